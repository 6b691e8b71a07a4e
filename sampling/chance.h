/* Sampling by chance that comes out of the trace id, so that every span of a trace, and every
 * process, gives the same answer. */
#ifndef TAILSPAN_SAMPLING_CHANCE_H
#define TAILSPAN_SAMPLING_CHANCE_H

#include "proto/bytes.h"

/* The OpenTelemetry Collector's: FNV-1a of 64 bits over salt and id, kept when at most
 * chance_boundary(ratio). Both agree with it bit for bit. The salt's part is worked out once. */
uint64_t chance_salt(struct bytes salt);
uint64_t chance_hash(uint64_t salted, const uint8_t trace_id[16]);
uint64_t chance_boundary(double ratio);

/* Consistent probability sampling's rejection threshold for a ratio: kept when the trace's 56-bit
 * randomness is at least this. 2^56, which nothing reaches, for 0 and less. The probability has 16
 * significant bits, so that a threshold's text stays short. */
uint64_t chance_threshold(double ratio);

/* The same in so many hex digits (1 to 14), and more near 0 and 1, where the first ones say little:
 * the Collector's rounding. */
uint64_t chance_threshold_of_digits(double ratio, int digits);

#endif
