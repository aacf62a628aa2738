// SPDX-License-Identifier: Apache-2.0
// iiif_processor.mjs PORT SOURCES PROCESSES: images by npm's iiif-processor (sharp, libvips), for renders.pl to measure.
// As its README has it: a stream of the file, and the dimensions of all pages remembered, so that each is read once.
import cluster from 'node:cluster';
import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(join(process.cwd(), 'here.js'));    // packages of the directory it is started in
const { Processor } = require('iiif-processor');
const sharp = require('sharp');
const [port, sources, processes] = process.argv.slice(2);

// iiif-processor has no option for it, and sharp's default is 80
const toFormat = sharp.prototype.toFormat;
sharp.prototype.toFormat = function (format, options) {
    return toFormat.call(this, format, { quality: 85, ...options });
};

const fileOf = (id) => join(sources, decodeURIComponent(id));
const remembered = new Map();

async function pagesOf(id) {
    const { pages } = await sharp(fileOf(id)).metadata();
    return Promise.all(Array.from({ length: pages ?? 1 }, async (_, page) => {
        const { width, height } = await sharp(fileOf(id), { page }).metadata();
        return { width, height };
    }));
}

function dimensionFunction({ id }) {
    if (!remembered.has(id))
        remembered.set(id, pagesOf(id));
    return remembered.get(id);
}

async function answer(request, response) {
    try {
        const processor = new Processor(`http://localhost${request.url}`, async ({ id }) => createReadStream(fileOf(id)),
            { dimensionFunction });
        const result = await processor.execute();
        response.writeHead(result.type === 'content' ? 200 : 500, { 'Content-Type': result.contentType ?? 'text/plain',
            'Content-Length': result.body?.length ?? 0 });
        response.end(result.body);
    }
    catch (error) {
        console.error(request.url, error);
        response.writeHead(500, { 'Content-Length': 0 });
        response.end();
    }
}

if (cluster.isPrimary && processes > 1) {
    for (let i = 0; i < processes; ++i)
        cluster.fork();
}
else {
    if (processes > 1)
        sharp.concurrency(1);
    createServer(answer).listen(port, '127.0.0.1');
}
