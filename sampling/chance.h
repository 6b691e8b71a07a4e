/* Sampling by chance that comes out of the trace id, so that every span of a trace, and every
 * process, gives the same answer. */
#ifndef TAILSPAN_SAMPLING_CHANCE_H
#define TAILSPAN_SAMPLING_CHANCE_H

#include "proto/bytes.h"

/* The OpenTelemetry Collector's: FNV-1a of 64 bits over salt and id, kept when at most
 * chance_boundary(ratio). Both agree with it bit for bit. */
uint64_t chance_hash(struct bytes salt, const uint8_t trace_id[16]);
uint64_t chance_boundary(double ratio);

/* Consistent probability sampling's rejection threshold for a ratio: kept when the trace's 56-bit
 * randomness is at least this. 2^56, which nothing reaches, for 0 and less. The probability has 16
 * significant bits, so that a threshold's text stays short. */
uint64_t chance_threshold(double ratio);

#endif
