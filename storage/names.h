/* The writer's codes for services, operations and envelopes of the slot it writes.
 *
 * Codes are small integers from 1, given in order of appearance and written to the slot's tables in
 * the transaction that first uses them. Code 0 means "not coded": a name that is too long, or one
 * too many. Records with it match any name until the span itself has been looked at. */
#ifndef TAILSPAN_STORAGE_NAMES_H
#define TAILSPAN_STORAGE_NAMES_H

#include "proto/bytes.h"

#include <sqlite3.h>
#include <stdint.h>

#define NAMES_MAX_SERVICES   4095
#define NAMES_MAX_OPERATIONS 65535
#define NAMES_MAX_LENGTH     1024

/* Envelopes (see part.h) have codes of their own. */
#define NAMES_MAX_ENVELOPES       (1 << 20)
#define NAMES_MAX_ENVELOPE_LENGTH (16 << 10)
#define NAMES_MAX_ENVELOPE_BYTES  (8u << 20) /* remembered; with more all are forgotten */

struct names;

/* Reads the codes of a slot that is being continued. NULL with `code` set when that fails. */
struct names *names_open(sqlite3 *db, int *code);
void names_close(struct names *n);

uint32_t names_service(struct names *n, struct bytes name);
uint32_t names_operation(struct names *n, uint32_t service, uint8_t kind, struct bytes name);

/* The code of the envelope that these two make; 0: the slot has no room for it. */
uint32_t names_envelope(struct names *n, struct bytes head, struct bytes tail);

/* The first failure to write a name since names_open(): a result code. After one the codes no
 * longer agree with the file. */
int names_error(const struct names *n);

#endif
