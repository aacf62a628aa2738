// SPDX-License-Identifier: Apache-2.0
//
// The grid of thumbnails, and the overlay in which a picture is opened.

const EXAMPLES = [
    ["A square", "square/!200,200/0/default.jpg"],
    ["The middle", "pct:25,25,50,50/!200,200/0/default.jpg"],
    ["Gray", "full/!200,200/0/gray.jpg"],
    ["Black and white", "full/!200,200/0/bitonal.png"],
    ["Turned", "full/!200,200/22.5/default.png"],
    ["Mirrored", "full/!200,200/!0/default.jpg"],
];

const byId = (id) => document.getElementById(id);
const cloneOf = (id) => byId(id).content.firstElementChild.cloneNode(true);
const url = (picture, request) => `iiif/3/${encodeURIComponent(picture.file)}/${request}`;

function say(text) {
    const notice = byId("notice");
    notice.textContent = notice.hidden ? text : `${notice.textContent} ${text}`;
    notice.hidden = false;
}

async function json(address) {
    const response = await fetch(address);
    if (!response.ok) {
        throw new Error(`${address}: ${response.status} ${response.statusText}`);
    }
    return response.json();
}

/* OpenSeadragon is not part of this page's source: it may be missing. */
function loadOpenSeadragon() {
    return new Promise((resolve) => {
        const script = document.createElement("script");
        script.src = "openseadragon/openseadragon.min.js";
        script.onload = () => resolve(true);
        script.onerror = () => resolve(false);
        document.head.append(script);
    });
}

async function showFacts(picture, element) {
    try {
        const info = await json(url(picture, "info.json"));
        element.textContent = `${info.width} × ${info.height} pixels · ${picture.format}`;
    } catch (error) {
        element.textContent = `No info.json: ${error.message}`;
        element.classList.add("error");
    }
}

function card(picture) {
    const element = cloneOf("card");
    const button = element.querySelector("button");
    const image = element.querySelector("img");
    button.setAttribute("aria-label", `Open ${picture.name}`);
    button.onclick = () => open(picture);
    image.onerror = () => button.classList.add("broken");
    image.src = url(picture, "full/!400,400/0/default.jpg");
    element.querySelector("h2").textContent = picture.name;
    element.querySelector(".caption").textContent = picture.caption;
    element.querySelector(".info").href = url(picture, "info.json");
    element.querySelector(".info").setAttribute("aria-label", `info.json of ${picture.name}`);
    showFacts(picture, element.querySelector(".facts"));
    return element;
}

function example(picture, [label, request]) {
    const element = cloneOf("example");
    element.querySelector("a").href = url(picture, request);
    element.querySelector("img").src = url(picture, request);
    element.querySelector(".label").textContent = label;
    element.querySelector("code").append(...request.split(/(?<=[/])/).flatMap((part) => [part, document.createElement("wbr")]));
    return element;
}

function deepZoom(picture) {
    const viewer = OpenSeadragon({
        element: byId("viewer"),
        prefixUrl: "openseadragon/images/",
        tileSources: url(picture, "info.json"),
        showNavigator: true,
        autoHideControls: false,
    });
    viewer.canvas.focus();
    return () => viewer.destroy();
}

function stillPicture(picture) {
    const image = new Image();
    image.alt = picture.name;
    image.src = url(picture, "full/!1600,1600/0/default.jpg");
    byId("viewer").append(image);
    return () => {};
}

const overlay = byId("overlay");
let closeViewer = () => {};

async function open(picture) {
    byId("overlay-name").textContent = picture.name;
    overlay.querySelector(".info").href = url(picture, "info.json");
    byId("examples").replaceChildren(...EXAMPLES.map((request) => example(picture, request)));
    overlay.showModal();
    const show = await haveOpenSeadragon ? deepZoom : stillPicture;
    if (overlay.open) {
        closeViewer = show(picture);
    }
}

overlay.addEventListener("close", () => {
    closeViewer();
    closeViewer = () => {};
    byId("viewer").replaceChildren();
});
byId("close").addEventListener("click", () => overlay.close());

const haveOpenSeadragon = loadOpenSeadragon();
haveOpenSeadragon.then((have) => {
    if (!have) {
        say("Deep zoom needs OpenSeadragon: install npm and run the demo again. Until then the pictures open as stills.");
    }
});

json("pictures.json").then(
    (pictures) => byId("pictures").replaceChildren(...pictures.map(card)),
    (error) => say(`No list of pictures: ${error.message}`),
);
