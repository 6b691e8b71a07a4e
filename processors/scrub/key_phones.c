#include "processors/scrub/key_phones.h"

#include <stddef.h>
#include <string.h>

const char *const phone_words[] = {
    "callee",
    "callernumber",
    "cell",
    "cellphone",
    "cellular",
    "celular",
    "contactnumber",
    "fax",
    "fon",
    "handy",
    "handynummer",
    "landline",
    "mobil",
    "mobile",
    "mobilenumber",
    "mobilnummer",
    "mobiltelefon",
    "mobilu",
    "msisdn",
    "phone",
    "phonenumber",
    "phones",
    "puhelin",
    "puhelinnumero",
    "rufnummer",
    "tel",
    "telefon",
    "telefonnummer",
    "telefonnr",
    "telefono",
    "telefonu",
    "telefone",
    "telefoon",
    "telefoonnummer",
    "telephone",
    "telnr",
    "teléfono",
    "telefón",
    "téléphone",
    "whatsapp",
    "τηλέφωνο",
    "телефон",
    "телефона",
    "Телефон",
    "телефону",
    "โทรศัพท์",
    "टेलीफोन",
    "फ़ोन",
    "फोन",
    "الهاتف",
    "هاتف",
    "טלפון",
    "手机",
    "手机号",
    "手机号码",
    "手機",
    "手機號碼",
    "电话",
    "电话号码",
    "電話",
    "電話番号",
    "電話號碼",
    "携帯電話",
    "携帯番号",
    "전화",
    "전화번호",
    "휴대폰",
    "휴대전화",
    NULL,
};

static bool is_one_of(const char *word, const char *const *words)
{
    for (; *words; words++) {
        if (strcmp(word, *words) == 0)
            return true;
    }
    return false;
}

bool is_phone_word(const char *word)
{
    return is_one_of(word, phone_words);
}

bool is_on_the_phone(const char *word)
{
    static const char *const words[] = {"called", "caller",     "calling", "contact",
                                        "dialed", "dialled",    "from",    "recipient",
                                        "sender", "subscriber", "to",      NULL};
    return is_one_of(word, words);
}
