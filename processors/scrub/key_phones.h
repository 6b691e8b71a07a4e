/* Names of phone numbers, in the languages of those who write programs. */
#ifndef TAILSPAN_PROCESSORS_SCRUB_KEY_PHONES_H
#define TAILSPAN_PROCESSORS_SCRUB_KEY_PHONES_H

#include <stdbool.h>

/* In small letters, NULL last. */
extern const char *const phone_words[];

/* phone, telefon, 电话 … */
bool is_phone_word(const char *word);

/* caller, dialed, recipient …, whose number is a phone's. */
bool is_on_the_phone(const char *word);

#endif
