#include "plan/cost.h"
#include "base/banned.h"
iiif_cost_t iiif_cost_of(const iiif_source_t *pixels, const iiif_resolved_t *resolved)
{
 (void)pixels;(void)resolved;
    return (iiif_cost_t){0};
}
