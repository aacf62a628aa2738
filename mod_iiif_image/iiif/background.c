/* SPDX-License-Identifier: Apache-2.0 */
#include "iiif/background.h"

#include <apr_strings.h>
#include <string.h>

#include "base/banned.h"

int iiif_background_parse(int *colour, const char *text)
{
    const char *digits = *text == '#' ? text + 1 : text;

    if (strlen(digits) != 6 || strspn(digits, "0123456789abcdefABCDEF") != 6)
        return 0;
    *colour = (int)apr_strtoi64(digits, NULL, 16);
    return 1;
}

void iiif_background_split(unsigned char bytes[3], int colour)
{
    bytes[0] = (unsigned char)(colour >> 16 & 0xff);
    bytes[1] = (unsigned char)(colour >> 8 & 0xff);
    bytes[2] = (unsigned char)(colour & 0xff);
}
