/* SPDX-License-Identifier: Apache-2.0 */
#include "iiif/request.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define ALL ((1u << IIIF_FORMATS) - 1)
#define JPG (1u << IIIF_FORMAT_JPG)

/* clang-format off */
/* A path and its readings, each as describe() writes it. */
static const struct {
    const char *path, *first, *second;
} paths[] = {
    /* 2.1 and 3.0, 2: the forms, with each section's example of an identifier */
    { "abcd1234/full/max/0/default.jpg",   "- image abcd1234 full max 0 default jpg",
                                           "- base abcd1234/full/max/0/default.jpg" },
    { "abcd1234/full/full/0/default.jpg",  "- image abcd1234 full full 0 default jpg",
                                           "- base abcd1234/full/full/0/default.jpg" },
    { "abcd1234/info.json",                "- info abcd1234", "- base abcd1234/info.json" },
    { "abcd1234",                          "- base abcd1234", NULL },
    { "abcd1234/",                         "- base abcd1234", NULL },
    { "1E34750D-38DB-4825-A38A-B60A345E591C/full/max/0/default.jpg",
      "- image 1E34750D-38DB-4825-A38A-B60A345E591C full max 0 default jpg",
      "- base 1E34750D-38DB-4825-A38A-B60A345E591C/full/max/0/default.jpg" },
    { "ID/125,15,120,140/90,/!345/gray.jpg", "- image ID 125,15,120,140 90, !345 gray jpg",
                                           "- base ID/125,15,120,140/90,/!345/gray.jpg" },
    /* 2.1 and 3.0, 9: the table of both */
    { "id1/full/max/0/default",
      "- image id1 full max 0 default ",
      "- base id1/full/max/0/default" },
    { "id1/0,10,100,200/pct:50/90/default.png",
      "- image id1 0,10,100,200 pct:50 90 default png",
      "- base id1/0,10,100,200/pct:50/90/default.png" },
    { "id1/pct:10,10,80,80/50,/22.5/color.jpg",
      "- image id1 pct:10,10,80,80 50, 22.5 color jpg",
      "- base id1/pct:10,10,80,80/50,/22.5/color.jpg" },
    { "bb157hs6068/full/max/270/gray.jpg",
      "- image bb157hs6068 full max 270 gray jpg",
      "- base bb157hs6068/full/max/270/gray.jpg" },
    { "ark:%2F12025%2F654xz321/full/max/0/default",
      "- image ark:/12025/654xz321 full max 0 default ",
      "- base ark:/12025/654xz321/full/max/0/default" },
    { "urn:foo:a123,456/full/max/0/default",
      "- image urn:foo:a123,456 full max 0 default ",
      "- base urn:foo:a123,456/full/max/0/default" },
    { "urn:sici:1046-8188(199501)13:1%253C69:FTTHBI%253E2.0.TX;2-4/full/max/0/default",
      "- image urn:sici:1046-8188(199501)13:1%3C69:FTTHBI%3E2.0.TX;2-4 full max 0 default ",
      "- base urn:sici:1046-8188(199501)13:1%3C69:FTTHBI%3E2.0.TX;2-4/full/max/0/default" },
    { "http:%2F%2Fexample.com%2F%3F54%23a/full/max/0/default",
      "- image http://example.com/?54#a full max 0 default ",
      "- base http://example.com/?54#a/full/max/0/default" },
    { "id1/full/full/0/default",
      "- image id1 full full 0 default ",
      "- base id1/full/full/0/default" },
    { "bb157hs6068/full/full/270/gray.jpg",
      "- image bb157hs6068 full full 270 gray jpg",
      "- base bb157hs6068/full/full/270/gray.jpg" },
    { "ark:%2F12025%2F654xz321/full/full/0/default",
      "- image ark:/12025/654xz321 full full 0 default ",
      "- base ark:/12025/654xz321/full/full/0/default" },
    { "urn:foo:a123,456/full/full/0/default",
      "- image urn:foo:a123,456 full full 0 default ",
      "- base urn:foo:a123,456/full/full/0/default" },
    { "urn:sici:1046-8188(199501)13:1%253C69:FTTHBI%253E2.0.TX;2-4/full/full/0/default",
      "- image urn:sici:1046-8188(199501)13:1%3C69:FTTHBI%3E2.0.TX;2-4 full full 0 default ",
      "- base urn:sici:1046-8188(199501)13:1%3C69:FTTHBI%3E2.0.TX;2-4/full/full/0/default" },
    { "http:%2F%2Fexample.com%2F%3F54%23a/full/full/0/default",
      "- image http://example.com/?54#a full full 0 default ",
      "- base http://example.com/?54#a/full/full/0/default" },
    /* a version in front */
    { "2/ID/info.json",                    "2 info ID", "2 base ID/info.json" },
    { "3/ID/info.json",                    "3 info ID", "3 base ID/info.json" },
    { "3/ID",                              "3 base ID", NULL },
    { "3/ID/",                             "3 base ID", NULL },
    { "2/ID/full/full/0/default.jpg",      "2 image ID full full 0 default jpg",
                                           "2 base ID/full/full/0/default.jpg" },
    { "3/ID/full/max/0/default.jpg",       "3 image ID full max 0 default jpg",
                                           "3 base ID/full/max/0/default.jpg" },
    { "4/ID/info.json",                    "- info 4/ID", "- base 4/ID/info.json" },
    { "1/ID",                              "- base 1/ID", NULL },
    { "03/ID",                             "- base 03/ID", NULL },
    { "%33/ID",                            "- base 3/ID", NULL }, /* a version is not encoded */
    /* …or an identifier that looks like one */
    { "2",                                 "- base 2", NULL },
    { "3/",                                "- base 3", NULL },
    { "2/info.json",                       "- info 2", "2 base info.json" },
    { "3/full/max/0/default.jpg",          "- image 3 full max 0 default jpg",
                                           "3 base full/max/0/default.jpg" },
    { "2/2/info.json",                     "2 info 2", "2 base 2/info.json" },
    { "3/2/full/max/0/default.jpg",        "3 image 2 full max 0 default jpg",
                                           "3 base 2/full/max/0/default.jpg" },
    { "3/3",                               "3 base 3", NULL },
    /* identifiers that look like something else */
    { "full",                              "- base full", NULL },
    { "full/info.json",                    "- info full", "- base full/info.json" },
    { "full/full/max/0/default.jpg",       "- image full full max 0 default jpg",
                                           "- base full/full/max/0/default.jpg" },
    { "info.json",                         "- base info.json", NULL },
    { "info.json/info.json",               "- info info.json", "- base info.json/info.json" },
    { "info.json.png",                     "- base info.json.png", NULL },
    { "info.json/full/max/0/default.jpg",  "- image info.json full max 0 default jpg",
                                           "- base info.json/full/max/0/default.jpg" },
    { "two..dots.png/info.json",           "- info two..dots.png", "- base two..dots.png/info.json" },
    { "ID/full/max/0/default.jpg/full/max/0/default.jpg",
      "- image ID/full/max/0/default.jpg full max 0 default jpg",
      "- base ID/full/max/0/default.jpg/full/max/0/default.jpg" },
    /* slashes of an identifier, encoded or raw */
    { "a%2Fb/info.json",                   "- info a/b", "- base a/b/info.json" },
    { "a%2fb.png",                         "- base a/b.png", NULL },
    { "a/b/info.json",                     "- info a/b", "- base a/b/info.json" },
    { "a/b/full/max/0/default.jpg",        "- image a/b full max 0 default jpg",
                                           "- base a/b/full/max/0/default.jpg" },
    { "3/a/b/info.json",                   "3 info a/b", "3 base a/b/info.json" },
    { "ark:%2F12025%2F654xz321/info.json", "- info ark:/12025/654xz321",
                                           "- base ark:/12025/654xz321/info.json" },
    /* decoded once, and parameters too */
    { "lit%2541.png/info.json",            "- info lit%41.png", "- base lit%41.png/info.json" },
    { "a+b.png/info.json",                 "- info a+b.png", "- base a+b.png/info.json" },
    { "%61%2Db/info.json",                 "- info a-b", "- base a-b/info.json" },
    { "%E6%97%A5/info.json",               "- info \xe6\x97\xa5", "- base \xe6\x97\xa5/info.json" },
    { "ID/%66ull/max/0/default%2Ejpg",     "- image ID full max 0 default jpg",
                                           "- base ID/full/max/0/default.jpg" },
    { "ID/0%2C0%2C9%2C9/pct%3A50/%2190/default.jpg", "- image ID 0,0,9,9 pct:50 !90 default jpg",
                                           "- base ID/0,0,9,9/pct:50/!90/default.jpg" },
    { "ID/full/%5Emax/0/default.jpg",      "- image ID full ^max 0 default jpg",
                                           "- base ID/full/^max/0/default.jpg" },
    { "ID/full/^max/0/default.jpg",        "- image ID full ^max 0 default jpg",
                                           "- base ID/full/^max/0/default.jpg" },
    { "ID/inf%6F.json",                    "- info ID", "- base ID/info.json" },
    /* an encoded separator separates nothing */
    { "ID%2Finfo.json",                    "- base ID/info.json", NULL },
    { "ID/full%2Fmax/0/default.jpg",       "- base ID/full/max/0/default.jpg", NULL },
    { "ID/full/max/0%2Fdefault.jpg",       "- base ID/full/max/0/default.jpg", NULL },
    { "ID/full/max/0/default.jpg%2F",      "- image ID full max 0 default jpg/",
                                           "- base ID/full/max/0/default.jpg/" },
    /* the last dot divides quality from format; a slip in a parameter is still an image request */
    { "ID/full/max/0/default",             "- image ID full max 0 default ",
                                           "- base ID/full/max/0/default" },
    { "ID/full/max/0/default.",            "- image ID full max 0 default ",
                                           "- base ID/full/max/0/default." },
    { "ID/full/max/0/.jpg",                "- image ID full max 0  jpg",
                                           "- base ID/full/max/0/.jpg" },
    { "ID/full/max/0/a.b.jpg",             "- image ID full max 0 a.b jpg",
                                           "- base ID/full/max/0/a.b.jpg" },
    { "ID/1,2,3/max/0/default.jpg",        "- image ID 1,2,3 max 0 default jpg",
                                           "- base ID/1,2,3/max/0/default.jpg" },
    { "ID/x/y/0/default.z",                "- image ID x y 0 default z", "- base ID/x/y/0/default.z" },
    { "ID///0/default.z",                  "- image ID   0 default z", "- base ID///0/default.z" },
    /* nothing of the kind: at most an identifier */
    { "ID/full/max/0",                     "- base ID/full/max/0", NULL },
    { "ID/full/max/0/",                    "- image ID full max 0  ", "- base ID/full/max/0" },
    { "full/max/0/default.jpg",            "- base full/max/0/default.jpg", NULL },
    { "ID/full/max/0/default.jpg/",        "- base ID/full/max/0/default.jpg", NULL },
    { "ID/info",                           "- base ID/info", NULL },
    { "ID/INFO.JSON",                      "- base ID/INFO.JSON", NULL },
    { "ID/info.json/",                     "- base ID/info.json", NULL },
    { "ID/manifest.json",                  "- base ID/manifest.json", NULL },
    { "blog/2024/05/17/some-post.html",    "- base blog/2024/05/17/some-post.html", NULL },
    { "static/js/vendor/app/main.js",      "- base static/js/vendor/app/main.js", NULL },
    /* Deep Zoom: the descriptor, and tiles */
    { "ID.dzi",                            "- deepzoom ID", "- base ID.dzi" },
    { "3/a.dzi",                           "3 deepzoom a", "3 base a.dzi" },
    { "3.dzi",                             "- deepzoom 3", "- base 3.dzi" },
    { "2/3.dzi",                           "2 deepzoom 3", "2 base 3.dzi" },
    { "4/a.dzi",                           "- deepzoom 4/a", "- base 4/a.dzi" },
    { "a/b%2Fmap.tif.dzi",                 "- deepzoom a/b/map.tif", "- base a/b/map.tif.dzi" },
    { "a%2Edzi",                           "- deepzoom a", "- base a.dzi" },
    { "a%2e%64%7A%69",                     "- deepzoom a", "- base a.dzi" },
    { "a.dzi.dzi",                         "- deepzoom a.dzi", "- base a.dzi.dzi" },
    { "lit%2541.dzi",                      "- deepzoom lit%41", "- base lit%41.dzi" },
    { "info.json.dzi",                     "- deepzoom info.json", "- base info.json.dzi" },
    { "ID/full/max/0/default.dzi",         "- deepzoom ID/full/max/0/default",
                                           "- base ID/full/max/0/default.dzi" },
    { "ID_files/12/15_11.jpg",             "- deepzoom-tile ID 12 15 11 jpg",
                                           "- base ID_files/12/15_11.jpg" },
    { "3/ID_files/0/0_0.png",              "3 deepzoom-tile ID 0 0 0 png", "3 base ID_files/0/0_0.png" },
    { "2/3_files/0/0_0.jpeg",              "2 deepzoom-tile 3 0 0 0 jpeg", "2 base 3_files/0/0_0.jpeg" },
    { "3_files/0/0_0.JPG",                 "- deepzoom-tile 3 0 0 0 JPG", "- base 3_files/0/0_0.JPG" },
    { "a/b%2Fc.tif_files/9/1_10.jpg",      "- deepzoom-tile a/b/c.tif 9 1 10 jpg",
                                           "- base a/b/c.tif_files/9/1_10.jpg" },
    { "ID%5Ffile%73/1%32/%315%5F11%2Ejp%67", "- deepzoom-tile ID 12 15 11 jpg",
                                           "- base ID_files/12/15_11.jpg" },
    { "_files_files/9/1_1.jpg",            "- deepzoom-tile _files 9 1 1 jpg",
                                           "- base _files_files/9/1_1.jpg" },
    { "ID_files/4294967295/4294967295_4294967295.jpg",
      "- deepzoom-tile ID 4294967295 4294967295 4294967295 jpg",
      "- base ID_files/4294967295/4294967295_4294967295.jpg" },
    /* …never an image request, though two of its parameters are well formed */
    { "w/x/ID_files/12/0_0.jpg",           "- deepzoom-tile w/x/ID 12 0 0 jpg",
                                           "- base w/x/ID_files/12/0_0.jpg" },
    { "3/w/ID_files/12/0_0.jpg",           "3 deepzoom-tile w/ID 12 0 0 jpg",
                                           "3 base w/ID_files/12/0_0.jpg" },
    { "x/full/ID_zdata/TileGroup0/4-0-0.jpg", "- zoomify-tile x/full/ID 0 4 0 0 jpg",
                                           "- base x/full/ID_zdata/TileGroup0/4-0-0.jpg" },
    { "x/y/full/max_zdata/ImageProperties.xml", "- zoomify x/y/full/max",
                                           "- base x/y/full/max_zdata/ImageProperties.xml" },
    { "ID_files/12/0_0.dzi",               "- deepzoom-tile ID 12 0 0 dzi", /* nor a descriptor */
                                           "- base ID_files/12/0_0.dzi" },
    /* Zoomify: the properties, and tiles */
    { "ID_zdata/ImageProperties.xml",      "- zoomify ID", "- base ID_zdata/ImageProperties.xml" },
    { "3/ID_zdata/ImageProperties.xml",    "3 zoomify ID", "3 base ID_zdata/ImageProperties.xml" },
    { "3_zdata/ImageProperties.xml",       "- zoomify 3", "- base 3_zdata/ImageProperties.xml" },
    { "a/b%2Fc%5fz%64ata/%49mage%50roperties%2exm%6C", "- zoomify a/b/c",
                                           "- base a/b/c_zdata/ImageProperties.xml" },
    { "ID_zdata/TileGroup1/4-15-11.jpg",   "- zoomify-tile ID 1 4 15 11 jpg",
                                           "- base ID_zdata/TileGroup1/4-15-11.jpg" },
    { "2/a/b_zdata/TileGroup0/0-0-0.jpg",  "2 zoomify-tile a/b 0 0 0 0 jpg",
                                           "2 base a/b_zdata/TileGroup0/0-0-0.jpg" },
    { "ID_zdat%61/TileGroup%30/4%2D15-11%2ejpg", "- zoomify-tile ID 0 4 15 11 jpg",
                                           "- base ID_zdata/TileGroup0/4-15-11.jpg" },
    { "ID_zdata/TileGroup18446744073709551615/4294967295-4294967295-4294967295.jpg",
      "- zoomify-tile ID 18446744073709551615 4294967295 4294967295 4294967295 jpg",
      "- base ID_zdata/TileGroup18446744073709551615/4294967295-4294967295-4294967295.jpg" },
    /* not quite */
    { ".dzi",                              "- base .dzi", NULL },
    { "3/.dzi",                            "3 base .dzi", NULL },
    { "ID.dzi/",                           "- base ID.dzi", NULL },
    { "ID.DZI",                            "- base ID.DZI", NULL },
    { "ID.xml",                            "- base ID.xml", NULL },
    { "dzi",                               "- base dzi", NULL },
    { "a%zz.dzi",                          NULL, NULL },
    { "a%00.dzi",                          NULL, NULL },
    { "a%2.dzi",                           NULL, NULL },
    { "_files/0/0_0.jpg",                  "- base _files/0/0_0.jpg", NULL },
    { "3/_files/0/0_0.jpg",                "3 base _files/0/0_0.jpg", NULL },
    { "ID_Files/0/0_0.jpg",                "- base ID_Files/0/0_0.jpg", NULL },
    { "ID_files%2F0/0_0.jpg",              "- base ID_files/0/0_0.jpg", NULL },
    { "ID_files/0%2F0_0.jpg",              "- base ID_files/0/0_0.jpg", NULL },
    { "ID_fil%65/0/0_0.jpg",               "- base ID_file/0/0_0.jpg", NULL },
    { "ID_fil%6es/0/0_0.jpg",              "- base ID_filns/0/0_0.jpg", NULL },
    { "ID_files/0_0.jpg",                  "- base ID_files/0_0.jpg", NULL },
    { "ID_files//0_0.jpg",                 "- base ID_files//0_0.jpg", NULL },
    { "ID_files/+1/0_0.jpg",               "- base ID_files/+1/0_0.jpg", NULL },
    { "ID_files/01/0_0.jpg",               "- base ID_files/01/0_0.jpg", NULL },
    { "ID_files/1/00_0.jpg",               "- base ID_files/1/00_0.jpg", NULL },
    { "ID_files/1/0_-1.jpg",               "- base ID_files/1/0_-1.jpg", NULL },
    { "ID_files/1/0_.jpg",                 "- base ID_files/1/0_.jpg", NULL },
    { "ID_files/1/_0.jpg",                 "- base ID_files/1/_0.jpg", NULL },
    { "ID_files/1/0-0.jpg",                "- base ID_files/1/0-0.jpg", NULL },
    { "ID_files/1/0_0",                    "- base ID_files/1/0_0", NULL },
    { "ID_files/1/0_0.",                   "- base ID_files/1/0_0.", NULL },
    { "ID_files/1/0_0.a.jpg",              "- base ID_files/1/0_0.a.jpg", NULL },
    { "ID_files/1/0_0.jpg%20",             "- base ID_files/1/0_0.jpg ", NULL },
    { "ID_files/1/0_0.jp%g",               NULL, NULL },
    { "ID_files/1/0_4294967296.jpg",       "- base ID_files/1/0_4294967296.jpg", NULL },
    { "ID_files/4294967296/0_0.jpg",       "- base ID_files/4294967296/0_0.jpg", NULL },
    { "ID_files/1/0_99999999999999999999999.jpg", "- base ID_files/1/0_99999999999999999999999.jpg", NULL },
    { "_zdata/ImageProperties.xml",        "- base _zdata/ImageProperties.xml", NULL },
    { "ID/ImageProperties.xml",            "- base ID/ImageProperties.xml", NULL },
    { "ImageProperties.xml",               "- base ImageProperties.xml", NULL },
    { "ID_zdata/xImageProperties.xml",     "- base ID_zdata/xImageProperties.xml", NULL },
    { "ID_zdata/TileGroup0/4-15-11.png",   "- base ID_zdata/TileGroup0/4-15-11.png", NULL },
    { "ID_zdata/TileGroup0/4-15-11.jpeg",  "- base ID_zdata/TileGroup0/4-15-11.jpeg", NULL },
    { "ID_zdata/TileGroup0/4-15.jpg",      "- base ID_zdata/TileGroup0/4-15.jpg", NULL },
    { "ID_zdata/TileGroup0/4-15-011.jpg",  "- base ID_zdata/TileGroup0/4-15-011.jpg", NULL },
    { "ID_zdata/TileGroup/4-15-11.jpg",    "- base ID_zdata/TileGroup/4-15-11.jpg", NULL },
    { "ID_zdata/TileGroup00/4-15-11.jpg",  "- base ID_zdata/TileGroup00/4-15-11.jpg", NULL },
    { "ID_zdata/Tilegroup0/4-15-11.jpg",   "- base ID_zdata/Tilegroup0/4-15-11.jpg", NULL },
    { "ID_zdata/TileGroup0x/4-15-11.jpg",  "- base ID_zdata/TileGroup0x/4-15-11.jpg", NULL },
    { "ID_zdata/TileGroup18446744073709551616/4-0-0.jpg",
      "- base ID_zdata/TileGroup18446744073709551616/4-0-0.jpg", NULL },
    { "ID_zdata/TileGroup0/4294967296-0-0.jpg", "- base ID_zdata/TileGroup0/4294967296-0-0.jpg", NULL },
    { "ID_files/TileGroup0/4-15-11.jpg",   "- base ID_files/TileGroup0/4-15-11.jpg", NULL },
    { "ID_zdata/12/15_11.jpg",             "- base ID_zdata/12/15_11.jpg", NULL },
    /* what is an image request stays one */
    { "ID/full/max/0/0_0.jpg",             "- image ID full max 0 0_0 jpg",
                                           "- base ID/full/max/0/0_0.jpg" },
    { "ID/full/max_files/0/00_0.jpg",      "- image ID full max_files 0 00_0 jpg",
                                           "- base ID/full/max_files/0/00_0.jpg" },
    { "ID_files/full/max/0/default.jpg",   "- image ID_files full max 0 default jpg",
                                           "- base ID_files/full/max/0/default.jpg" },
    { "ID.dzi/full/max/0/default.jpg",     "- image ID.dzi full max 0 default jpg",
                                           "- base ID.dzi/full/max/0/default.jpg" },
    { "ID.dzi/info.json",                  "- info ID.dzi", "- base ID.dzi/info.json" },
    { "ID/full/max/0/info.json",           "- info ID/full/max/0",
                                           "- image ID full max 0 info json" },
    /* no identifier, or no URI */
    { "",                                  NULL, NULL },
    { "/",                                 NULL, NULL },
    { "/info.json",                        "- base /info.json", NULL },
    { "/full/max/0/default.jpg",           "- base /full/max/0/default.jpg", NULL },
    { "a%00b/info.json",                   NULL, NULL },
    { "%zz",                               NULL, NULL },
    { "ID/full/max/0/default.jp%g",        NULL, NULL },
    { "ID%/info.json",                     NULL, NULL },
    { "[frob]/full/max/0/default.jpg",     "- image [frob] full max 0 default jpg",
                                           "- base [frob]/full/max/0/default.jpg" },
};

static const struct {
    const char *path;
    iiif_version_e version;
    iiif_format_set_t available;
    const char *complaint; /* NULL: fine; else the word the sentence starts with */
} params[] = {
    { "ID/full/max/0/default.jpg",         IIIF_VERSION_3, ALL, NULL },
    { "ID/full/max/0/default.jpg",         IIIF_VERSION_2, ALL, NULL },
    { "ID/full/full/0/default.jpg",        IIIF_VERSION_2, ALL, NULL },
    { "ID/full/full/0/default.jpg",        IIIF_VERSION_3, ALL, "size" },
    { "ID/full/^max/0/default.jpg",        IIIF_VERSION_3, ALL, NULL },
    { "ID/full/^max/0/default.jpg",        IIIF_VERSION_2, ALL, "size" },
    { "ID/125,15,120,140/90,/!345/gray.jpg", IIIF_VERSION_3, ALL, NULL },
    { "ID/125,15,120,140/90,/!345/gray.jpg", IIIF_VERSION_2, ALL, NULL },
    { "ID/pct:41.6,7.5,40,70/pct:50/22.5/bitonal.png", IIIF_VERSION_3, ALL, NULL },
    { "ID/Full/max/0/default.jpg",         IIIF_VERSION_3, ALL, "region" },
    { "ID/full/max,/0/default.jpg",        IIIF_VERSION_3, ALL, "size" },
    { "ID/full/max/361/default.jpg",       IIIF_VERSION_3, ALL, "rotation" },
    { "ID/full/max/0/native.jpg",          IIIF_VERSION_2, ALL, "quality" },
    { "ID/full/max/0/default.jpeg",        IIIF_VERSION_3, ALL, "format" },
    { "ID/full/max/0/default.png",         IIIF_VERSION_3, JPG, "format" },
    { "ID/full/max/0/default",             IIIF_VERSION_3, ALL, "format" },
    { "ID/full/max/0/default.",            IIIF_VERSION_3, ALL, "format" },
    { "ID/full/max/0/.jpg",                IIIF_VERSION_3, ALL, "quality" },
    { "ID/x/y/0/default.z",                IIIF_VERSION_3, ALL, "region" }, /* the first that is wrong */
};
/* clang-format on */

/* What only a kind has, behind its name and identifier. */
static const char *describe_rest(const iiif_request_t *r, apr_pool_t *pool)
{
    const iiif_deepzoom_tile_t *d = &r->deepzoom;
    const iiif_zoomify_tile_t *z = &r->zoomify;

    if (r->kind == IIIF_REQUEST_IMAGE)
        return apr_psprintf(pool, " %s %s %s %s %s", r->region, r->size, r->rotation, r->quality,
                            r->format);
    if (r->kind == IIIF_REQUEST_DEEPZOOM_TILE)
        return apr_psprintf(pool, " %u %u %u %s", d->level, d->column, d->row, r->format);
    if (r->kind == IIIF_REQUEST_ZOOMIFY_TILE)
        return apr_psprintf(pool, " %" APR_UINT64_T_FMT " %u %u %u %s", z->group, z->level,
                            z->column, z->row, r->format);
    return r->format ? " with a format" : "";
}

static const char *describe(const iiif_request_t *r, apr_pool_t *pool)
{
    static const char *const kinds[] = {
        [IIIF_REQUEST_BASE] = "base",
        [IIIF_REQUEST_INFO] = "info",
        [IIIF_REQUEST_IMAGE] = "image",
        [IIIF_REQUEST_DEEPZOOM] = "deepzoom",
        [IIIF_REQUEST_DEEPZOOM_TILE] = "deepzoom-tile",
        [IIIF_REQUEST_ZOOMIFY] = "zoomify",
        [IIIF_REQUEST_ZOOMIFY_TILE] = "zoomify-tile",
    };

    return apr_psprintf(pool, "%c %s %s%s", r->version ? '0' + (int)r->version : '-',
                        kinds[r->kind], r->identifier, describe_rest(r, pool));
}

static int same(const char *got, const char *want)
{
    return got && want ? !strcmp(got, want) : got == want;
}

static void test_paths(apr_pool_t *pool)
{
    unsigned i;

    for (i = 0; i < ROWS(paths); ++i) {
        iiif_request_t readings[IIIF_READINGS_MAX];
        char *path = strdup(paths[i].path); /* of just its size, for the sanitizers */
        int n = iiif_request_read(readings, path, pool);
        const char *first = n > 0 ? describe(&readings[0], pool) : NULL;
        const char *second = n > 1 ? describe(&readings[1], pool) : NULL;

        free(path);
        ok(same(first, paths[i].first) && same(second, paths[i].second), "'%s' -> '%s' or '%s'",
           paths[i].path, first ? first : "none", second ? second : "none");
    }
}

static void test_params(apr_pool_t *pool)
{
    unsigned i;

    for (i = 0; i < ROWS(params); ++i) {
        iiif_request_t readings[IIIF_READINGS_MAX];
        iiif_params_t parsed = { .format = IIIF_FORMATS };
        iiif_err_t err = { "" };
        const char *complaint = params[i].complaint;
        apr_status_t rv = APR_EGENERAL;

        if (iiif_request_read(readings, params[i].path, pool)
            && readings[0].kind == IIIF_REQUEST_IMAGE)
            rv = iiif_params_parse(&parsed, &readings[0], params[i].version, params[i].available,
                                   &err);
        ok(complaint ? rv == IIIF_EBADREQUEST && parsed.format == IIIF_FORMATS
                           && !strncmp(err.text, complaint, strlen(complaint))
                     : rv == APR_SUCCESS && parsed.version == params[i].version,
           "%d: %s -> %s", (int)params[i].version, params[i].path, rv ? err.text : "fine");
    }
}

int main(void)
{
    iiif_request_t readings[IIIF_READINGS_MAX];
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_paths(pool);
    test_params(pool);
    ok(iiif_request_read(readings, "3/a%2Fb;2/info.json", pool) == 2
           && !strcmp(readings[0].encoded, "a%2Fb;2") && !strcmp(readings[0].identifier, "a/b;2")
           && !readings[0].region,
       "the identifier is kept as the URI spells it, too");
    ok(iiif_request_read(readings, "3/a%2Fb%3B2%5Ffiles/1/0_0.jpg", pool) == 2
           && !strcmp(readings[0].encoded, "a%2Fb%3B2") && !strcmp(readings[0].identifier, "a/b;2")
           && !readings[0].region && !readings[0].quality,
       "so is that of a tile, without what follows it");
    ok(iiif_request_read(readings, "a%2Fb.dz%69", pool) == 2
           && !strcmp(readings[0].encoded, "a%2Fb") && !strcmp(readings[1].encoded, "a%2Fb.dz%69"),
       "and that of a descriptor");
    apr_terminate();
    return done_testing();
}
