#include "processors/scrub/detect.h"

#include <string.h>

static const struct {
    const char *name;
    bool secrets;
    bool pii;
} classes[SCRUB_CLASSES] = {
    [SCRUB_EMAIL] = {"email", false, true},
    [SCRUB_PAYMENT_CARD] = {"payment_card", false, true},
    [SCRUB_IBAN] = {"iban", false, true},
    [SCRUB_US_SSN] = {"us_ssn", false, true},
    [SCRUB_PHONE] = {"phone", false, true},
    [SCRUB_IPV4] = {"ipv4", false, true},
    [SCRUB_IPV6] = {"ipv6", false, true},
    [SCRUB_MAC] = {"mac", false, true},
    [SCRUB_JWT] = {"jwt", true, false},
    [SCRUB_BEARER] = {"bearer", true, false},
    [SCRUB_URL_CREDENTIALS] = {"url_credentials", true, false},
    [SCRUB_AWS_KEY_ID] = {"aws_key_id", true, false},
    [SCRUB_AWS_SECRET_KEY] = {"aws_secret_key", true, false},
    [SCRUB_GITHUB_TOKEN] = {"github_token", true, false},
    [SCRUB_GITLAB_TOKEN] = {"gitlab_token", true, false},
    [SCRUB_SLACK_TOKEN] = {"slack_token", true, false},
    [SCRUB_STRIPE_KEY] = {"stripe_key", true, false},
    [SCRUB_GOOGLE_KEY] = {"google_key", true, false},
    [SCRUB_SENDGRID_KEY] = {"sendgrid_key", true, false},
    [SCRUB_NPM_TOKEN] = {"npm_token", true, false},
    [SCRUB_PYPI_TOKEN] = {"pypi_token", true, false},
    [SCRUB_OPENAI_KEY] = {"openai_key", true, false},
    [SCRUB_ANTHROPIC_KEY] = {"anthropic_key", true, false},
    [SCRUB_PRIVATE_KEY] = {"private_key", true, false},
    [SCRUB_COOKIE] = {"cookie", true, false},
    [SCRUB_SENSITIVE_KEY] = {"sensitive_key", true, false},
    [SCRUB_SQL_LITERAL] = {"sql_literal", true, false},
    [SCRUB_COMMAND_ARGUMENT] = {"command_argument", true, false},
    [SCRUB_CPF] = {"cpf", false, false},
    [SCRUB_AADHAAR] = {"aadhaar", false, false},
    [SCRUB_PESEL] = {"pesel", false, false},
    [SCRUB_DNI] = {"dni", false, false},
    [SCRUB_NHS] = {"nhs", false, false},
};

const char *scrub_class_name(enum scrub_class class)
{
    return classes[class].name;
}

bool scrub_class_parse(const char *name, enum scrub_class *class)
{
    for (unsigned i = 0; i < SCRUB_CLASSES; i++) {
        if (strcmp(classes[i].name, name) == 0) {
            *class = (enum scrub_class)i;
            return true;
        }
    }
    return false;
}

bool scrub_profile_has(enum scrub_profile profile, enum scrub_class class)
{
    bool secrets = classes[class].secrets, pii = classes[class].pii;
    return profile == PROFILE_SECRETS ? secrets : profile == PROFILE_PII ? pii : secrets || pii;
}
