/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_BASE_BANNED_H
#define IIIF_BASE_BANNED_H
/** @file banned.h
 *  @brief Calls we do not make, turned into errors by the compiler. Include last. */
#pragma GCC poison strcpy strcat sprintf vsprintf strtok strtok_r atoi atol atof sscanf system popen
#endif
