/* A self-signed certificate for localhost and 127.0.0.1 that is its own authority, for tests of TLS
 * and nothing else. */
#ifndef TAILSPAN_TESTS_EXPORTERS_PKI_H
#define TAILSPAN_TESTS_EXPORTERS_PKI_H

static const char test_cert[] = "-----BEGIN CERTIFICATE-----\n"
                                "MIIBnDCCAUGgAwIBAgIUFjPLiiFPoxIgcK+ehBRbltEG56wwCgYIKoZIzj0EAwIw\n"
                                "FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNzIzMzIyNVoYDzIxMjYxMTAz\n"
                                "MjMzMjI1WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO\n"
                                "PQMBBwNCAAQFLE0mPcul0NnitAvZsVYJrISiDotlTjCIxFa763vJxgv9W+tzIs0E\n"
                                "fgoXpZtQNIOOYIKTID4lDMjP6AqD3TFlo28wbTAdBgNVHQ4EFgQUBBfHLQ92ABjB\n"
                                "dWw7ToyNQeRXrhowHwYDVR0jBBgwFoAUBBfHLQ92ABjBdWw7ToyNQeRXrhowGgYD\n"
                                "VR0RBBMwEYIJbG9jYWxob3N0hwR/AAABMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZI\n"
                                "zj0EAwIDSQAwRgIhAI8XASe0G8JLIzfFVcsMrt7GidPFI8qwMtQQXVLHgNaaAiEA\n"
                                "q1FVTvaFMKrXgJ/x4+JpjiD1FzHhrz5C6FIyOh94oJY=\n"
                                "-----END CERTIFICATE-----\n";

static const char test_key[] = "-----BEGIN PRIVATE KEY-----\n"
                               "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg32rBdQrWz0AnDfEv\n"
                               "yXM6GVfihdJ8vDDKmYhq0yqISQehRANCAAQFLE0mPcul0NnitAvZsVYJrISiDotl\n"
                               "TjCIxFa763vJxgv9W+tzIs0EfgoXpZtQNIOOYIKTID4lDMjP6AqD3TFl\n"
                               "-----END PRIVATE KEY-----\n";

#endif
