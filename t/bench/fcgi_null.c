/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fcgi_null [--bind ADDRESS:PORT]: a FastCGI program that does nothing but send the bytes of the
 * file that TILE names, whatever it is asked for. No image server behind FastCGI can be faster.
 */
#include <fcgiapp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TILE_MAX (1 << 20) /* bytes */

int main(int argc, char **argv)
{
    static char tile[TILE_MAX];
    const char *path = getenv("TILE"), *port = argc == 3 ? strrchr(argv[2], ':') : NULL;
    FILE *file = path ? fopen(path, "rb") : NULL;
    const int length = file ? (int)fread(tile, 1, sizeof(tile), file) : 0;
    FCGX_Request request;

    if (length <= 0 || FCGX_Init()
        || FCGX_InitRequest(&request, port ? FCGX_OpenSocket(port, 128) : 0, 0))
        return EXIT_FAILURE;
    while (!FCGX_Accept_r(&request)) {
        FCGX_FPrintF(request.out, "Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n", length);
        FCGX_PutStr(tile, length, request.out);
        FCGX_Finish_r(&request);
    }
    return EXIT_SUCCESS;
}
