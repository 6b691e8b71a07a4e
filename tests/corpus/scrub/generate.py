#!/usr/bin/env python3
"""Writes the labelled corpus for scrub_accuracy: values in the shape of tracing data, one JSON
object a line, {"key", "place", "db_system", "value", "labels": [[start, end, class], ...]}, offsets
in bytes. Half of the values carry nothing, but look as if they did.

    generate.py [SEED [VALUES]] > corpus.jsonl

Everything is made up from what issuers publish about their formats (prefixes, lengths, alphabets,
check digits), not from what the detectors look for."""
import argparse
import base64
import json
import random
import string
import zlib
from urllib.parse import quote

R = random.Random(1)
LOWER, UPPER, DIGITS = string.ascii_lowercase, string.ascii_uppercase, string.digits
ALNUM = LOWER + UPPER + DIGITS
URLSAFE = ALNUM + "-_"
HEX = "0123456789abcdef"


def pick(*options):
    return R.choice(options)


def chars(alphabet, count):
    return "".join(R.choice(alphabet) for _ in range(count))


def digits(count):
    return chars(DIGITS, count)


def number(low, high):
    return str(R.randint(low, high))


def b64(data):
    return base64.b64encode(data).decode()


def b64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def random_bytes(count):
    return bytes(R.getrandbits(8) for _ in range(count))


# ---- what is there to find ----

FIRST = ["anna", "bob", "carlos", "dmitri", "elif", "fatima", "georg", "hanako", "ines", "jürgen",
         "kwame", "li", "maria", "nils", "olga", "paweł", "quentin", "rosa", "søren", "thi"]
LAST = ["müller", "smith", "garcia", "ivanov", "yilmaz", "khan", "weber", "sato", "silva", "nowak",
        "mensah", "wang", "rossi", "larsen", "petrova", "dubois", "o'brien", "nguyen", "kim"]
TLDS = ["com", "org", "net", "de", "co.uk", "io", "fr", "pl", "com.br", "co.jp", "in", "dev",
        "museum", "info", "es", "it"]
HOSTS = ["example", "mail.example", "post", "web-mail", "corp", "uni-wien", "acme", "kunden.shop",
         "gmail", "outlook", "proton", "x1"]


def ascii_only(text):
    table = str.maketrans({"ü": "ue", "ł": "l", "ø": "o", "'": ""})
    return text.translate(table)


def email():
    first, last = R.choice(FIRST), R.choice(LAST)
    if R.random() < 0.97:
        first, last = ascii_only(first), ascii_only(last)
    last = last.replace("'", "")
    local = pick("{f}.{l}", "{f}", "{f}_{l}", "{f}{n}", "{f}+{t}", "{f}-{l}", "{F}.{L}", "{n}.{l}")
    local = local.format(f=first, l=last, n=number(1, 2010), t=pick("news", "shop", "test1"),
                         F=first.capitalize(), L=last.capitalize())
    return local + "@" + R.choice(HOSTS) + "." + R.choice(TLDS)


def luhn_digit(body):
    total = 0
    for i, c in enumerate(reversed(body)):
        d = int(c)
        if i % 2 == 0:
            d = d * 2 - 9 if d > 4 else d * 2
        total += d
    return str(-total % 10)


def card_number():
    prefix, length = pick(("4", 16), ("4", 16), (number(51, 55), 16), (number(2221, 2720), 16),
                          (pick("34", "37"), 15), ("6011", 16), ("65", 16), (number(644, 649), 16),
                          (number(3528, 3589), 16), ("36", 14))
    body = prefix + digits(length - 1 - len(prefix))
    return body + luhn_digit(body)


def card():
    n = card_number()
    sep = pick("", "", " ", "-")
    if len(n) == 16:
        return sep.join([n[0:4], n[4:8], n[8:12], n[12:16]])
    return sep.join([n[0:4], n[4:10], n[10:]])


IBANS = {"DE": "nnnnnnnnnnnnnnnnnn", "GB": "aaaannnnnnnnnnnnnn", "FR": "nnnnnnnnnnccccccccccccnn"[:23],
         "ES": "n" * 20, "IT": "annnnnnnnnncccccccccccc", "NL": "aaaannnnnnnnnn", "PL": "n" * 24,
         "CH": "nnnnncccccccccccc", "AT": "n" * 16, "BE": "n" * 12, "SE": "n" * 20, "NO": "n" * 11,
         "PT": "n" * 21, "IE": "aaaa" + "n" * 14, "TR": "nnnnn" + "n" + "c" * 16,
         "AE": "n" * 19, "MT": "aaaannnnn" + "c" * 18, "FI": "n" * 14, "DK": "n" * 14}


def iban():
    country = R.choice(list(IBANS))
    alphabet = {"n": DIGITS, "a": UPPER, "c": DIGITS + UPPER}
    body = "".join(R.choice(alphabet[c]) for c in IBANS[country])
    value = int("".join(str(int(c, 36)) for c in body + country + "00"))
    text = country + "%02d" % (98 - value % 97) + body
    if R.random() < 0.4:
        text = " ".join(text[i:i + 4] for i in range(0, len(text), 4))
    return text


def ssn():
    area = R.choice([a for a in range(1, 900) if a not in (666, 78, 219)])
    return "%03d-%02d-%04d" % (area, R.randint(1, 99), R.randint(1, 9999))


def phone():
    d = digits
    n = R.randint(2, 9)
    return pick("+49%d0%s" % (R.randint(1, 9), d(7)), "+49 30 %d%s" % (n, d(6)),
                "+1 %d%s %d%s %s" % (n, d(2), n, d(2), d(4)), "+1%d%s%d%s" % (n, d(2), n, d(6)),
                "+1-%d%s-%d%s-%s" % (n, d(2), n, d(2), d(4)), "+44 20 7%s %s" % (d(3), d(4)),
                "+447%s" % d(9), "+33 6 %s %s %s %s" % (d(2), d(2), d(2), d(2)),
                "+55 11 9%s-%s" % (d(4), d(4)), "+81 90-%s-%s" % (d(4), d(4)),
                "+91 9%s %s" % (d(4), d(5)), "+86138%s" % d(8), "+48 60%s %s %s" % (d(1), d(3), d(3)),
                "+1 (%d%s) %d%s-%s" % (n, d(2), n, d(2), d(4)))


def national_phone():
    d = digits
    n = R.randint(2, 9)
    return pick("0%d0 %d%s" % (R.randint(2, 9), n, d(6)), "(%d%s) %d%s-%s" % (n, d(2), n, d(2), d(4)),
                "%d%s-%d%s-%s" % (n, d(2), n, d(2), d(4)), "06 %s %s %s %s" % (d(2), d(2), d(2), d(2)),
                "017%d %s" % (R.randint(0, 9), d(7)), "090-%s-%s" % (d(4), d(4)))


def ipv4():
    while True:
        a, b = R.randint(1, 223), R.randint(0, 255)
        if a in (10, 127, 192, 169, 172, 100, 198, 203) or (a < 4 and b < 40):
            continue
        return "%d.%d.%d.%d" % (a, b, R.randint(0, 255), R.randint(1, 254))


def ipv6():
    head = pick("2001", "2a01", "2a02", "2600", "2606", "2804", "2400")
    part = lambda: "%x" % R.randint(1, 0xffff)
    full = ":".join([head] + [part() for _ in range(7)])
    return pick(full, full.upper(), "%s:%s:%s::%s" % (head, part(), part(), part()),
                "%s:%s::%s:%s" % (head, part(), part(), part()),
                "%s:%s:%s:%s::1" % (head, part(), part(), part()))


def mac():
    sep = pick(":", ":", "-")
    text = sep.join("%02x" % R.randint(1, 254) for _ in range(6))
    return pick(text, text.upper())


def jwt():
    header = {"alg": pick("HS256", "RS256", "ES256", "EdDSA"), "typ": "JWT"}
    if R.random() < 0.4:
        header["kid"] = chars(HEX, 16)
    if R.random() < 0.2:
        header = {"typ": "JWT", "alg": "RS256"}
    body = {"sub": number(1, 10**9), "iat": R.randint(16 * 10**8, 18 * 10**8),
            "aud": pick("web", "api"), "name": R.choice(FIRST)}
    dump = lambda o: b64url(json.dumps(o, separators=pick((",", ":"), (", ", ": "))).encode())
    return dump(header) + "." + dump(body) + "." + b64url(random_bytes(pick(32, 64, 256)))[:120]


def aws_key_id():
    return pick("AKIA", "ASIA", "ABIA", "ACCA", "AKIA") + chars(UPPER + "234567", 16)


def aws_secret():
    while True:
        text = chars(ALNUM + "+/", 40)
        if not text.startswith("/") and any(c.isdigit() for c in text):
            return text


def github_token():
    if R.random() < 0.25:
        return "github_pat_" + "11" + chars(UPPER + DIGITS, 9) + chars(ALNUM, 11) + "_" + chars(ALNUM, 59)
    body = chars(ALNUM, 30)
    crc, check = zlib.crc32(body.encode()), ""
    alphabet = DIGITS + UPPER + LOWER
    for _ in range(6):
        check = alphabet[crc % 62] + check
        crc //= 62
    return pick("ghp_", "gho_", "ghu_", "ghs_", "ghr_") + body + check


def gitlab_token():
    return pick(lambda: "glpat-" + chars(URLSAFE, 20), lambda: "gldt-" + chars(URLSAFE, 20),
                lambda: "glrt-" + chars(URLSAFE, 20), lambda: "glptt-" + chars(HEX, 40),
                lambda: "glcbt-" + digits(2) + "_" + chars(URLSAFE, 20),
                lambda: "gloas-" + chars(HEX, 64), lambda: "glft-" + chars(URLSAFE, 20),
                lambda: "glagent-" + chars(URLSAFE, 50), lambda: "glsoat-" + chars(URLSAFE, 20),
                lambda: "GR1348941" + chars(URLSAFE, 20), lambda: "glimt-" + chars(URLSAFE, 25))()


def slack_token():
    return pick(lambda: "xoxb-" + digits(12) + "-" + digits(13) + "-" + chars(ALNUM, 24),
                lambda: "xoxp-" + digits(12) + "-" + digits(12) + "-" + digits(13) + "-" + chars(HEX, 32),
                lambda: "xoxa-2-" + digits(12) + "-" + digits(12) + "-" + chars(HEX, 32),
                lambda: "xoxs-" + digits(12) + "-" + digits(12) + "-" + chars(HEX, 32),
                lambda: "xapp-1-A" + chars(UPPER + DIGITS, 10) + "-" + digits(13) + "-" + chars(HEX, 64),
                lambda: "xoxe-1-" + chars(ALNUM, 146))()


def stripe_key():
    return pick("sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_") + \
        (chars(ALNUM, 24) if R.random() < 0.4 else "51" + chars(ALNUM, 97))


def google_key():
    return pick(lambda: "AIza" + "Sy" + chars(URLSAFE, 33), lambda: "GOCSPX-" + chars(URLSAFE, 28),
                lambda: "ya29.a0" + chars(URLSAFE, 120), lambda: "AIza" + "Sy" + chars(ALNUM, 33))()


def openai_key():
    return pick(lambda: "sk-" + chars(ALNUM, 20) + "T3BlbkFJ" + chars(ALNUM, 20),
                lambda: "sk-proj-" + chars(URLSAFE, 74) + "T3BlbkFJ" + chars(URLSAFE, 74),
                lambda: "sk-svcacct-" + chars(URLSAFE, 74) + "T3BlbkFJ" + chars(URLSAFE, 74))()


def anthropic_key():
    return pick("sk-ant-api03-", "sk-ant-admin01-", "sk-ant-oat01-") + chars(URLSAFE, 93) + "AA"


def sendgrid_key():
    return "SG." + chars(URLSAFE, 22) + "." + chars(URLSAFE, 43)


def npm_token():
    return "npm_" + chars(ALNUM, 36)


def pypi_token():
    return "pypi-" + pick("AgEIcHlwaS5vcmc", "AgENdGVzdC5weXBpLm9yZw") + chars(URLSAFE, R.randint(70, 120))


def private_key():
    kind = pick("RSA ", "EC ", "", "OPENSSH ", "ENCRYPTED ", "DSA ")
    newline = pick("\n", "\\n", "\r\n")
    lines = [b64(random_bytes(48)) for _ in range(R.randint(1, 2))]
    text = newline.join(["-----BEGIN %sPRIVATE KEY-----" % kind] + lines)
    if R.random() < 0.8:
        text += newline + "-----END %sPRIVATE KEY-----" % kind
    return text


def password():
    return pick(lambda: pick("hunter", "Sommer", "qwerty", "tr0ub4dor", "geheim", "Passw0rd") + number(1, 9999),
                lambda: chars(ALNUM, R.randint(8, 20)), lambda: chars(ALNUM + "!#%*+-_.", 14) + "x",
                lambda: chars(HEX, 32), lambda: "correct-horse-" + number(10, 99))()


def cpf():
    while True:
        d = [R.randint(0, 9) for _ in range(9)]
        for n in (10, 11):
            s = sum(x * (n - i) for i, x in enumerate(d)) * 10 % 11
            d.append(s % 10)
        if len(set(d)) > 1:
            t = "".join(map(str, d))
            return t if R.random() < 0.3 else "%s.%s.%s-%s" % (t[:3], t[3:6], t[6:9], t[9:])


VERHOEFF = [[0] * 10 for _ in range(10)]
for _a in range(10):
    for _b in range(10):
        if _a < 5 and _b < 5:
            v = (_a + _b) % 5
        elif _a < 5:
            v = (_a + _b) % 5 + 5
        elif _b < 5:
            v = (_a - _b) % 5 + 5
        else:
            v = (_a - _b) % 5
        VERHOEFF[_a][_b] = v
PERMUTE = [list(range(10)), [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]]
for _i in range(2, 8):
    PERMUTE.append([PERMUTE[_i - 1][PERMUTE[1][_j]] for _j in range(10)])


def verhoeff_ok(text):
    c = 0
    for i, x in enumerate(reversed(text)):
        c = VERHOEFF[c][PERMUTE[i % 8][int(x)]]
    return c == 0


assert verhoeff_ok("2363") and not verhoeff_ok("2364")


def aadhaar():
    while True:
        body = number(2, 9) + digits(10)
        text = next(body + d for d in DIGITS if verhoeff_ok(body + d))
        if text != text[::-1]:
            break
    return pick("%s %s %s", "%s %s %s", "%s-%s-%s") % (text[:4], text[4:8], text[8:])


def pesel():
    year, month, day = R.randint(1930, 2015), R.randint(1, 12), R.randint(1, 28)
    body = "%02d%02d%02d%s" % (year % 100, month + (20 if year >= 2000 else 0), day, digits(4))
    return body + str(-sum(int(c) * w for c, w in zip(body, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3))) % 10)


def dni():
    n = R.randint(10**6, 10**8 - 1)
    letters = "TRWAGMYFPDXBNJZSQVHLCKE"
    if R.random() < 0.3:
        first = R.randint(0, 2)
        return "XYZ"[first] + "%07d" % (n % 10**7) + letters[(first * 10**7 + n % 10**7) % 23]
    return "%08d%s%s" % (n, pick("", "", "-"), letters[n % 23])


def nhs():
    while True:
        body = number(4, 7) + digits(8)
        check = 11 - sum(int(c) * (10 - i) for i, c in enumerate(body)) % 11
        if check != 10:
            t = body + str(check % 11)
            return "%s %s %s" % (t[:3], t[3:6], t[6:])


# ---- values with labels ----

PLACES = ["span_attribute"] * 6 + ["event_attribute"] * 3 + ["link_attribute"]
MESSAGE_KEYS = ["exception.message", "message", "log.body", "event.message", "app.note", "error.detail",
                "messaging.message.body", "rpc.request.body", "graphql.document.note", "description"]
out = []


def emit(key, parts, place=None, db=""):
    """Parts: text, or (class, text)."""
    value, labels = b"", []
    for part in parts if isinstance(parts, list) else [parts]:
        if isinstance(part, tuple):
            data = part[1].encode()
            labels.append([len(value), len(value) + len(data), part[0]])
            value += data
        else:
            value += part.encode()
    out.append({"key": key, "place": place or R.choice(PLACES), "db_system": db,
                "value": value.decode(), "labels": labels})


def message(parts):
    """In a place without a key, or under one that says nothing."""
    where = R.random()
    if where < 0.15:
        emit("", parts, "status_message")
    elif where < 0.2:
        emit("", parts, pick("event_name", "span_name"))
    else:
        emit(R.choice(MESSAGE_KEYS), parts)


def filled(template, label):
    """The label where the template has a {}."""
    before, _, behind = template.partition("{}")
    return [before, label, behind]


def log_prefix():
    return pick("2026-0%d-1%d 12:0%d:4%d.123 INFO [main] c.e.shop.Service - " % tuple(R.randint(1, 9) for _ in range(4)),
                "E1128 10:31:22.%s       1 server.go:217] " % digits(6), "[WARN] ", "ERROR: ",
                '{"level":"info","msg":"', "level=warn msg=\"", "")


PERSONS = ["user {} signed in", "Benutzer {} nicht gefunden", "l'utilisateur {} est introuvable",
           "el usuario {} no existe", "ユーザー {} が見つかりません", "пользователь {} не найден", "用户 {} 不存在",
           "usuário {} não encontrado", "nie znaleziono: {}", "kullanıcı {} bulunamadı", "could not notify {}, retrying",
           "duplicate entry '{}' for key 'users.uq'", "from={} status=failed", "<contact>{}</contact>",
           "[{}]", "value \"{}\" is not valid", "Order placed by {}.", "sent to {}; 3 attempts", "{}",
           "caller: {} (verified)", "Konto {}: Abbuchung fehlgeschlagen", "not found: {}\nat app.js:12:3"]


def in_text(label):
    template = R.choice(PERSONS)
    prefix = log_prefix()
    parts = filled(prefix + template, label)
    if prefix.startswith('{'):
        parts = filled(prefix + template.replace('"', "'").replace("\n", " ") + '","n":%s}' % number(1, 99), label)
    elif prefix.endswith('msg="'):
        parts = filled(prefix + template.replace('"', "'").replace("\n", " ") + '" took=%sms' % number(1, 99), label)
    message(parts)


def in_json(label, name):
    template = pick('{"id":%s,"%s":"{}","ok":true}', '{"n":%s,"user":{"%s": "{}"}}', '[{"seq":%s,"%s":"{}"}]') \
        .replace("%s", number(1, 9999), 1).replace("%s", name, 1)
    if R.random() < 0.3:
        template = template.replace('"', '\\"')
    message(filled(template, label) if "{}" in template else [label])


def personal(cls, make, keys, names, url_names=(), words=PERSONS, encode=True):
    """A class of personal data in all the places where it turns up."""
    where = R.random()
    value = make()
    if where < 0.2:
        emit(R.choice(keys), [(cls, value)])
    elif where < 0.35:
        in_json((cls, value), R.choice(names))
    elif where < 0.5 and url_names:
        text = quote(value, safe="") if encode else value
        emit(pick("url.full", "http.url"), ["https://%s/v%s/%s?%s=" % (pick("shop.example", "api.acme.io", "localhost:8080"),
             number(1, 3), pick("users", "find", "orders"), R.choice(url_names)), (cls, text), pick("", "&page=2", "#top")])
    elif where < 0.55 and url_names:
        emit(pick("url.path", "http.target", "http.route"), ["/api/%s/" % pick("users", "by", "lookup"), (cls, quote(value, safe="@+")), "/" + pick("orders", "details")])
    else:
        in_text((cls, value))


def secret(cls, make, names):
    where = R.random()
    value = make()
    label = (cls, value)
    if where < 0.15:
        emit(R.choice(["app.note", "config.value", "request.data", "exception.message", "process.command_line"]), [label])
    elif where < 0.3:
        in_json(label, R.choice(names))
    elif where < 0.4:
        message(filled(pick("export %s={} && deploy", "env %s={} not accepted", "%s={}", "%s: {}") % R.choice(names).upper(), label))
    elif where < 0.5:
        emit("process.command_line", filled(pick("/usr/bin/deploy --%s {} --verbose", "curl -s https://api.example/v1 --%s={}") %
                                            R.choice(names).replace("_", "-"), label))
    elif where < 0.6:
        emit("http.request.header." + pick("x-forwarded-note", "x-extra"), [label])
    else:
        message(filled(pick("invalid credentials {}", "401 for {}: expired", "Schlüssel {} abgelaufen", "clé {} refusée", "無効なキー {}",
                            "using {} from config", "rejected ({})", "found '{}' in env", "leaked: {}, rotate it", "ключ {} отозван"), label))


def gen_email():
    personal("email", email, ["enduser.id", "user.email", "customer", "app.recipient"], ["email", "mail", "to", "user"], ["email", "q", "user", "to"])


def gen_card():
    if R.random() < 0.1:
        message(filled(pick("card number {} declined", "Kartennummer {} abgelehnt", "card no. {}", "Order 7: card {}, amount 12.00", "PAN={} exp=12/29"), ("payment_card", card())))
    elif R.random() < 0.1:
        emit(pick("card.number", "payment.card_number"), [("payment_card", card())])
    else:
        personal("payment_card", card, ["payment.card", "app.note", "input"], ["card", "cardNumber", "pan", "number"], ["card", "pan"],)


def gen_iban():
    personal("iban", iban, ["payment.iban", "account", "bank.account"], ["iban", "account", "creditor"], ["iban", "account"])


def gen_ssn():
    if R.random() < 0.1:
        emit(pick("user.ssn", "ssn"), [("us_ssn", ssn().replace("-", pick("", " ")))])
    else:
        personal("us_ssn", ssn, ["user.ssn", "applicant", "tax.payer"], ["ssn", "taxId", "social"], ["ssn"])


def gen_phone():
    if R.random() < 0.2:
        emit(pick("user.phone", "customer.phone_number", "contact.mobile", "user.tel"), [("phone", national_phone())])
    elif R.random() < 0.1:
        in_json(("phone", national_phone()), pick("phone", "phoneNumber", "mobile"))
    else:
        personal("phone", phone, ["sms.to", "caller", "user.phone"], ["phone", "to", "mobile"], ["phone", "to"])


def gen_ipv4():
    if R.random() < 0.2:
        message(filled(pick("dial tcp {}:443: connect: connection refused", "X-Forwarded-For: {}, 10.0.0.3", "peer={}:51234", "http://{}/admin",
                            "{} - - [10/Oct/2026:13:55:36 +0000] \"GET / HTTP/1.1\" 200"), ("ipv4", ipv4())))
    else:
        personal("ipv4", ipv4, ["client.address", "net.peer.ip", "http.client_ip", "network.peer.address", "source.ip"], ["ip", "clientIp", "remote"], ["ip", "addr"])


def gen_ipv6():
    if R.random() < 0.2:
        message(filled(pick("dial tcp [{}]:443: i/o timeout", "http://[{}]:8080/x", "peer {} port 5000"), ("ipv6", ipv6())))
    else:
        personal("ipv6", ipv6, ["client.address", "net.peer.ip", "network.peer.address", "source.ip"], ["ip", "clientIp", "remote"])


def gen_mac():
    personal("mac", mac, ["device.mac", "host.mac", "net.device"], ["mac", "device", "hwaddr"])


def gen_jwt():
    value = jwt()
    if R.random() < 0.3:
        message(["Authorization: Bearer ", ("jwt", value), pick("", "\r\nHost: x", ", Accept: */*")])
    elif R.random() < 0.2:
        emit("http.request.header.authorization", ["Bearer ", ("jwt", value)])
    else:
        secret("jwt", lambda: value, ["id_token", "access_token", "jwt"])


def gen_bearer():
    scheme, value = pick(("Bearer", chars(URLSAFE, 32) + digits(1)), ("Bearer", chars(HEX, 40)), ("Basic", b64((R.choice(LAST) + ":" + password()).encode())))
    if R.random() < 0.35:
        emit(pick("http.request.header.authorization", "http.request.header.proxy-authorization", "rpc.grpc.request.metadata.authorization"),
             [pick("", scheme + " "), ("bearer", value)])
    else:
        message(filled(pick("Authorization: %s {}", "{'Authorization': '%s {}'}", "curl -H 'Authorization: %s {}' https://api.example/v1",
                            '{"headers":{"authorization":"%s {}"}}', "sent %s {} upstream", "authorization=%s {}") % scheme, ("bearer", value)))


URL_KEYS = ["X-Amz-Signature", "sig", "AWSAccessKeyId", "Signature", "X-Goog-Signature", "access_token", "token", "api_key", "code", "password",
            "client_secret", "key", "apikey", "auth_token", "X-Amz-Security-Token", "id_token", "refresh_token", "secret", "sessionid"]


def gen_url():
    if R.random() < 0.45:
        scheme = pick("https", "postgres", "mysql", "redis", "amqp", "mongodb+srv", "ftp", "http", "smtp")
        label = ("url_credentials", pick(R.choice(LAST).replace("'", ""), "svc", "admin", "app_rw") + ":" + quote(password(), safe=""))
        parts = [scheme + "://", label, "@%s%s/%s" % (pick("db.internal", "10.0.0.4", "host", "cache-1.acme.io"), pick("", ":5432"), pick("", "shop", "v1?x=1"))]
        if R.random() < 0.5:
            message([pick("cannot connect to ", "fatal: unable to access '", "dsn=", "verbunden mit ")] + parts)
        else:
            emit(pick("url.full", "db.connection_string", "server.url", "messaging.url"), parts)
    else:
        name = R.choice(URL_KEYS)
        label = ("url_credentials", pick(chars(HEX, 64), chars(ALNUM, 24), quote(b64(random_bytes(32)), safe="")))
        key = pick("url.full", "http.url", "http.target", "url.query", "exception.message")
        head = {"http.target": "/cb?", "url.query": "", "exception.message": "GET https://api.example/x?"}.get(key, "https://s3.example/bucket/o?")
        emit(key, [head + pick("", "lang=de&", "page=3&X-Amz-Date=20260101T000000Z&"), name + "=", label, pick("", "&v=2", "&sort=asc")])


def gen_aws_secret():
    value = ("aws_secret_key", aws_secret())
    message(filled(pick("aws_secret_access_key={}", "AWS_SECRET_ACCESS_KEY={} aws s3 ls", "aws_secret_access_key = {}", '{"SecretAccessKey":"{}","x":1}',
                        "secretAccessKey: {}", '{"awsSecretKey": "{}"}', "export AWS_SECRET_KEY='{}'"), value))


def gen_cookie():
    value = pick("session=%s; theme=dark" % chars(ALNUM, 24), "JSESSIONID=%s" % chars(UPPER + DIGITS, 32), "_ga=GA1.2.%s.%s; sid=%s" % (digits(9), digits(10), chars(HEX, 32)),
                 "connect.sid=s%%3A%s" % chars(ALNUM, 32), "lang=de; PHPSESSID=%s" % chars(LOWER + DIGITS, 26))
    if R.random() < 0.5:
        emit(pick("http.request.header.cookie", "http.response.header.set-cookie", "http.request.header.set_cookie", "Cookie"), [("cookie", value)])
    else:
        message(filled(pick("Cookie: {}", "Set-Cookie: {}; Path=/; HttpOnly", "curl -H 'Cookie: {}' https://x", "GET / HTTP/1.1\r\nHost: x\r\nCookie: {}\r\nAccept: */*"), ("cookie", value)))


SENSITIVE = ["password", "db.password", "userPassword", "X-API-Key", "client_secret", "refreshToken", "app.secret", "private_key", "passwd", "api_key",
             "http.request.header.x-auth-token", "credentials", "smtp.pwd", "access_token", "passphrase", "encryption_key", "csrf_token", "otp", "signing_key"]


def gen_sensitive():
    value = ("sensitive_key", password())
    if R.random() < 0.4:
        emit(R.choice(SENSITIVE), [value])
    else:
        name = pick("password", "passwd", "api_key", "apiKey", "client_secret", "secret", "auth_token", "db_password", "DB_PASSWORD", "Passwort", "contraseña", "пароль", "access_token")
        message(filled(pick("login failed: %s={} for bob", '{"user":"bob","%s":"{}"}', '{\\"%s\\":\\"{}\\"}', "config %s: {}, retry", "%s='{}' host=db", "user=x;%s={};port=1",
                            "--%s={}", "{'%s': '{}'}", "<%s>{}</x>".replace("x", "%s")) .replace("%s", name), value))


def sql_parts(db):
    lit = lambda *o: ("sql_literal", pick(*o))
    text = lambda: lit("'%s'" % ascii_only(R.choice(LAST)), "'%s'" % email().replace("'", ""), "'it''s %s'" % number(1, 9), "'%s'" % digits(11), "'2026-01-%s'" % number(10, 28))
    num = lambda: lit(number(1, 10**6), "%d.%02d" % (R.randint(1, 99), R.randint(0, 99)), number(10, 99))
    return pick(
        lambda: ["SELECT * FROM users WHERE name = ", text(), " AND age > ", num()],
        lambda: ["INSERT INTO orders (a, b, c) VALUES (", text(), ", ", num(), ", ", text(), ")"],
        lambda: ["UPDATE account SET balance = ", num(), " WHERE owner = ", text(), " LIMIT ", num()],
        lambda: ["select u.id, o.total from users u join orders o on o.uid = u.id where u.mail like ", text(), " -- report"],
        lambda: ["DELETE FROM sessions WHERE id IN (", num(), ", ", num(), ", ", text(), ")"],
        lambda: ["SELECT count(*) FROM t WHERE a BETWEEN ", num(), " AND ", num(), " /* app=shop */"],
        lambda: ["WITH x AS (SELECT id FROM t1 WHERE n = ", text(), ") SELECT * FROM x ORDER BY id DESC"],
        lambda: ["SELECT * FROM t WHERE a = ", text(), " OR b = $1"],
    )()


def gen_sql():
    db = pick("postgresql", "mysql", "mssql", "oracle", "sqlite", "mariadb", "")
    emit(pick("db.statement", "db.query.text"), sql_parts(db), "span_attribute", db)


def gen_command():
    arg = lambda *o: ("command_argument", pick(*o))
    value = lambda: arg(ascii_only(R.choice(LAST)), email(), number(1, 10**6), "'%s'" % R.choice(FIRST), '"x y"')
    if R.random() < 0.65:
        emit(pick("db.statement", "db.query.text"), pick(
            lambda: ["SET user:%s " % number(1, 999), value()], lambda: ["HSET cart:%s name " % number(1, 99), value()], lambda: ["LPUSH queue ", value()],
            lambda: ["SETEX k:%s " % number(1, 9), pick("60"), " ", value()], lambda: ["SADD tags ", value(), " ", value()], lambda: ["AUTH ", arg(password().replace("#", "x"))],
            lambda: ["PUBLISH news ", value()], lambda: ["ZADD board ", arg(number(1, 99)), " ", value()])(), "span_attribute", "redis")
    else:
        v = lambda: arg(ascii_only(R.choice(LAST)), email())
        emit(pick("db.statement", "db.query.text"), pick(
            lambda: ['{"find":"users","filter":{"mail":"', v(), '","age":', arg(number(10, 99)), "}}"],
            lambda: ['{"insert":"users","documents":[{"name":"', v(), '"}]}'],
            lambda: ['{"update": "users", "updates": [{"q": {"_id": ', arg(number(100, 999)), '}, "u": {"$set": {"city": "', v(), '"}}}]}'])(), "span_attribute", "mongodb")


def gen_national(cls, make, keys, words):
    def gen():
        value = make()
        where = R.random()
        if where < 0.3:
            emit(R.choice(keys), [(cls, value)])
        elif where < 0.5:
            in_json((cls, value), R.choice(words))
        else:
            word = R.choice(words)
            message(filled(pick("%s {}", "%s: {}", "%s={}, invalid", "invalid %s {} for customer", "%s nr {} rejected", "%s '{}' not found") % word, (cls, value)))
    return gen


POSITIVE = [gen_email, gen_card, gen_iban, gen_ssn, gen_phone, gen_ipv4, gen_ipv6, gen_mac, gen_jwt, gen_bearer, gen_url,
            lambda: secret("aws_key_id", aws_key_id, ["aws_key", "key_id", "credential"]), gen_aws_secret,
            lambda: secret("github_token", github_token, ["github_token", "token", "auth"]), lambda: secret("gitlab_token", gitlab_token, ["token", "ci_job_token", "gitlab"]),
            lambda: secret("slack_token", slack_token, ["slack_token", "bot", "token"]), lambda: secret("stripe_key", stripe_key, ["stripe_key", "api_key", "stripe"]),
            lambda: secret("google_key", google_key, ["google_api_key", "key", "maps"]), lambda: secret("sendgrid_key", sendgrid_key, ["sendgrid", "api_key"]),
            lambda: secret("npm_token", npm_token, ["npm_token", "token", "registry"]), lambda: secret("pypi_token", pypi_token, ["pypi", "token", "twine_password"]),
            lambda: secret("openai_key", openai_key, ["openai_api_key", "api_key", "llm"]), lambda: secret("anthropic_key", anthropic_key, ["anthropic_api_key", "api_key", "llm"]),
            lambda: message(filled(pick("{}", "key file: {}", "loaded {} ok", "private_key={}", "{} after"), ("private_key", private_key()))),
            gen_cookie, gen_sensitive, gen_sql, gen_command,
            gen_national("cpf", cpf, ["user.cpf", "cliente.cpf"], ["cpf", "CPF"]), gen_national("aadhaar", aadhaar, ["user.aadhaar", "kyc.aadhaar"], ["aadhaar", "Aadhaar", "uidai"]),
            gen_national("pesel", pesel, ["user.pesel", "pesel"], ["pesel", "PESEL"]), gen_national("dni", dni, ["user.dni", "dni"], ["dni", "DNI", "nif"]),
            gen_national("nhs", nhs, ["patient.nhs_number", "nhs"], ["nhs", "NHS", "nhs_number"])]

# ---- what only looks like it ----


def uuid():
    h = chars(HEX, 32)
    return "-".join([h[:8], h[8:12], "4" + h[13:16], pick("8", "9", "a", "b") + h[17:20], h[20:]])


def epoch():
    return number(15 * 10**8, 19 * 10**8) + pick("", digits(3), digits(6), digits(9))


def version():
    return ".".join(number(0, 40) for _ in range(R.randint(2, 4)))


def pod():
    safe = "bcdfghjklmnpqrstvwxz2456789"
    return "%s-%s-%s" % (pick("shop", "cart-api", "otel-collector"), chars(safe, pick(9, 10)), chars(safe, 5))


AGENTS = ["Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%s.0.%s.%s Safari/537.36",
          "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/%s.1 Safari/605.%s.%s", "curl/8.%s.%s (x86_64) zlib/1.%s",
          "okhttp/%s.%s.%s", "Go-http-client/%s.%s.%s", "python-requests/%s.%s.%s", "Dart/%s.%s (dart:io) %s", "aws-sdk-java/2.%s.%s Linux/5.10.%s"]


def agent():
    return R.choice(AGENTS) % (number(90, 140), number(0, 6000), number(1, 250))


def cpp():
    return pick("std::vector<int>::push_back", "absl::%s::Cleanup" % pick("base", "a1"), "shop::cart::%s::add" % pick("v1", "abc", "detail"), "a::b::c", "::operator new",
                "Foo::Bar@0x7ff%s" % chars(HEX, 9), "core::ptr::drop_in_place::<T>", "dead::beef::cafe", "Cart::%s::~Cart()" % pick("impl", "d"))


NOTHING = [
    lambda: emit(pick("trace.id", "dd.trace_id", "parent.span_id", "messaging.message.id", "correlation.id"), chars(HEX, pick(16, 32))),
    lambda: emit("message.seen", digits(pick(16, 19))[:16].replace("4", "9") + "7") if R.random() < .2 else message("span %s of trace %s dropped" % (chars(HEX, 16), chars(HEX, 32))),
    lambda: emit(pick("event.time", "timestamp", "created_at", "process.start", "app.ts", "messaging.kafka.message.timestamp"), epoch()),
    lambda: message("finished at %s after %s ms" % (epoch(), number(1, 99999))),
    lambda: message(pick("took %s ns", "Dauer: %s µs", "elapsed=%s us", "durée %s ms") % number(10**9, 10**16)),
    lambda: emit(pick("service.version", "telemetry.sdk.version", "app.version", "os.version", "library.version"), pick("", "v") + version() + pick("", "-rc.1", "+build.5"), "resource_attribute"),
    lambda: message(pick("upgraded from %s to %s", "version %s, not v%s", "requires foo>=%s,<%s", "lib-%s.jar and core-%s.jar") % (version(), version())),
    lambda: emit(pick("request.id", "session.uuid", "user.id", "idempotency.ref", "message"), uuid()),
    lambda: message("job %s failed: %s" % (uuid(), pick("timeout", "EOF", "Zeitüberschreitung", "délai dépassé", "タイムアウト"))),
    lambda: emit(pick("order.id", "invoice.number", "order.number", "tracking.id", "shipment.ref"), pick("ORD-2026-" + digits(9), digits(pick(8, 10, 12, 14, 16)), "PO-%s-%s" % (digits(4), digits(6)), "1Z" + chars(UPPER + DIGITS, 16))),
    lambda: message(pick("order %s shipped", "Bestellung ORD-%s storniert", "order id: %s", "commande n° C%s expédiée", "注文 A%s を受け付けました", "заказ O-%s отправлен") % digits(pick(8, 9, 11, 13, 16))),
    lambda: emit(pick("git.commit", "vcs.ref.head.revision", "build.sha"), chars(HEX, pick(7, 12, 40))),
    lambda: message("checkout %s (was %s)" % (chars(HEX, 40), chars(HEX, 7))),
    lambda: emit(pick("container.image.id", "container.image.name", "oci.manifest.digest"), pick("", "registry.acme.io/app@", "ghcr.io/o/app:%s@" % version()) + "sha256:" + chars(HEX, 64)),
    lambda: message(pick("installed %s@%s", "npm ERR! missing: %s@%s, required by app@1.0.0", "@scope/%s@%s", "resolved %s@^%s") % (pick("left-pad", "react", "lodash"), ".".join(number(0, 40) for _ in range(3)) + pick("", "", "-beta.2"))),
    lambda: message(pick("git@github.com:acme/%s.git", "cloning git@gitlab.acme.io:group/%s.git", "ssh://git@host.acme:2222/%s") % pick("shop", "infra")),
    lambda: emit(pick("k8s.pod.name", "host.name", "service.instance.id", "container.name"), pod(), "resource_attribute"),
    lambda: message("pod %s evicted from ip-10-0-%s-%s.eu-west-1.compute.internal" % (pod(), number(0, 255), number(0, 255))),
    lambda: emit(pick("user_agent.original", "http.user_agent", "http.request.header.user-agent"), agent()),
    lambda: message("client %s" % agent()),
    lambda: emit(pick("code.function", "code.namespace", "exception.type"), cpp()),
    lambda: message("at %s (%s.cpp:%s)" % (cpp(), pick("cart", "main"), number(1, 999))),
    lambda: message(pick("at 12:%s:45 UTC", "2026-11-14T22:%s:20.123456789Z", "window 10:%s-11:00", "every 00:%s:00:00") % number(10, 59)),
    lambda: message(pick("ratio %s:%s:%s", "aspect %s:%s at %s%%", "%s/%s = 0.%s", "sum %s.34 + %s.78, %s%%") % (number(1, 20), number(1, 20), number(1, 99))),
    lambda: message(pick("addr 0x%s", "segfault at 0x%s", "flags=0x%s mask") % chars(HEX, pick(8, 12, 16))),
    lambda: emit(pick("author", "max_tokens", "token_type", "token.count", "gen_ai.usage.input_tokens", "password_policy", "secretary", "authority", "keyboard", "cookie_count", "gen_ai.usage.output_tokens",
                      "token_limit", "has_password", "key_count", "partition_key_name", "http.request.header.authority", "auth.method", "tokenizer", "messaging.kafka.message.key.kind", "primary_key"),
                 pick("bob", "100", "4096", "Bearer", "strong", "true", "shop.example")),
    lambda: message(pick("password is required", "token: null", "Bearer of bad news", "the basic authentication failed", "secret not found", "password: ", "invalid token", "api_key=<redacted>", "Passwort vergessen?",
                         "no cookie for you", "authorization: none", "password=****", "key-value store", "credentials expired %s" % number(1, 9), "token expired at %s" % epoch(), "unexpected token '%s' in JSON at position %s" % (pick("<", "}"), number(1, 9)))),
    lambda: emit(pick("url.full", "http.url"), "https://%s/%s?%s" % (pick("shop.example", "api.acme.io:8443", "localhost"), pick("cart", "items/%s" % number(1, 10**9), "v1/orders/" + uuid()),
                                                                    pick("page=2&sort=asc", "q=shoes&lang=de", "id=%s" % number(1, 10**7), "ts=%s" % epoch(), "v=%s" % version(), "count=3&tokens=12"))),
    lambda: emit(pick("http.target", "url.path", "http.route"), "/%s/%s" % (pick("api/v1", "static", "users"), pick("%s.js" % chars(HEX, 20), ":id", "{userId}", number(1, 10**8), "img@2x.png", "@me", "~bob"))),
    lambda: emit(pick("client.address", "net.peer.ip", "server.address", "k8s.pod.ip"), pick("10.%s.%s.7", "192.168.%s.%s", "172.16.%s.%s", "127.0.%s.%s") % (number(0, 255), number(0, 255))),
    lambda: message("dial tcp 10.%s.%s.4:5432: connect: connection refused" % (number(0, 255), number(0, 255))),
    lambda: emit(pick("db.query.text", "db.statement"), pick("SELECT * FROM users WHERE id = ? AND name = ?", "INSERT INTO t (a, b) VALUES ($1, $2)", "SELECT u.c1 FROM s2.t3 u WHERE u.x = :name AND y = @p1",
                                                            "UPDATE `t` SET a = ? WHERE b IN (?, ?, ?)", "SELECT \"col\" FROM \"T\" WHERE n = %s", "DELETE FROM t WHERE a = ? -- cleanup", "COMMIT", "BEGIN", "SELECT count(*) FROM v4_events"),
                 "span_attribute", pick("postgresql", "sqlite", "")),
    lambda: emit(pick("db.query.text", "db.statement"), pick("GET user:%s", "HGETALL cart:%s", "DEL sess:%s", "EXISTS k:%s", "MGET a:%s b:2", "INCR hits:%s") % number(1, 9999), "span_attribute", "redis"),
    lambda: emit("messaging.destination.name", pick("orders.v1.created", "user-events-%s" % number(1, 9), "arn:aws:sqs:eu-west-1:%s:queue" % digits(12), "projects/p-%s/topics/t" % digits(6))),
    lambda: emit("cloud.resource_id", pick("arn:aws:ecs:us-east-1:%s:task/%s" % (digits(12), chars(HEX, 32)), "/subscriptions/%s/resourceGroups/rg" % uuid(), "i-0" + chars(HEX, 16)), "resource_attribute"),
    lambda: emit(pick("page.cursor", "next"), b64url(json.dumps({"id": R.randint(1, 10**6), "o": "asc"}).encode())),
    lambda: emit("http.response.header.etag", 'W/"%s-%s"' % (chars(HEX, 4), chars(ALNUM + "+/", 27))),
    lambda: emit("http.response.header.content-security-policy", "default-src 'self'; script-src 'nonce-%s'" % chars(ALNUM, 16)),
    lambda: emit("", pick("vendor=t61rcWkgMzE", "rojo=00f067aa0ba902b7,congo=%s" % chars(HEX, 16), "dd=s:1;t.dm:-4;p:%s" % chars(HEX, 16)), "trace_state"),
    lambda: emit("", pick("GET /api/v1/users/{id}", "HTTP POST", "SELECT shop.orders", "process order-%s" % number(1, 99999), "grpc.health.v1.Health/Check", "redis GET", "Zahlung prüfen", "検索"), "span_name"),
    lambda: message('{"id":%s,"ts":%s,"status":"ok","items":[%s,%s],"ref":"%s"}' % (number(1, 10**9), epoch(), number(1, 999), number(1, 999), chars(HEX, 24))),
    lambda: message('{\\"count\\":%s,\\"max_tokens\\":%s,\\"model\\":\\"m-%s\\"}' % (number(1, 99), number(1, 9999), version())),
    lambda: message("partition=%s offset=%s lag=%s key=%s" % (number(0, 64), number(10**8, 10**16), number(0, 99), number(1, 99))),
    lambda: message("goroutine %s [running]:\nmain.main()\n\t/app/main.go:%s +0x%s" % (number(1, 999), number(1, 999), chars(HEX, 3))),
    lambda: message(pick("Snowflake %s stored", "message id=%s acked", "tweet_id=%s", "offset %s out of range") % digits(pick(17, 18, 19))),
    lambda: message(pick("user@localhost", "root@%s" % pod(), "@deprecated since 1.2", "foo@bar baz", "postgres@db:5432", "dependency org.acme:lib:%s" % version())),
    lambda: message("isbn 978-%s-%s-%s-%s, sku %s-%s-%s" % (digits(1), digits(2), digits(6), digits(1), digits(3), digits(2), digits(4))),
    lambda: emit("process.command_line", "java -Xmx%sm -Dport=%s -jar app-%s.jar --spring.profiles=prod" % (number(100, 9999), number(1000, 9999), version()), "resource_attribute"),
    lambda: message("between %s-%s-%s and +%s%%; +%s items" % (number(2000, 2030), number(10, 12), number(10, 28), number(1, 99), number(1, 999))),
    lambda: message(pick("lat=%s.%s lon=-%s.%s", "cpu %s.%s mem %s.%s", "p50=%s.%s p99=%s.%s") % (number(1, 89), digits(6), number(1, 179), digits(8))),
]


# ---- rarer shapes of both ----


def gen_mixed():
    """Several in one value."""
    kinds = [("email", email), ("payment_card", card), ("iban", iban), ("phone", phone), ("ipv4", ipv4), ("github_token", github_token),
             ("ipv6", ipv6), ("mac", mac), ("jwt", jwt), ("aws_key_id", aws_key_id), ("us_ssn", ssn), ("slack_token", slack_token)]
    chosen = R.sample(kinds, R.randint(2, 4))
    style = pick("csv", "json", "lines", "prose", "xml")
    parts = {"csv": [], "json": ['{"a":['], "lines": ["dump:\n"], "prose": ["received "], "xml": ["<r>"]}[style]
    for i, (cls, make) in enumerate(chosen):
        last = i + 1 == len(chosen)
        label = (cls, make())
        parts += {"csv": [label, "" if last else ","], "json": ['"', label, '"]}' if last else '","'], "lines": ["  v%d: " % i, label, "\n"],
                  "prose": [label, "." if last else " and "], "xml": ["<v>", label, "</v>" + ("</r>" if last else "")]}[style]
    message(parts)


RARE = [
    lambda: message(["GET /u?email=", ("email", quote(email(), safe="")), " HTTP/1.1 404 0.%ss" % digits(3)]),
    lambda: message(["mailto:", ("email", email()), "?subject=hi"]),
    lambda: emit("enduser.id", ["  ", ("email", email().upper()), " "]),
    lambda: message([pick("To: ", "From: "), '"Bob, A." <', ("email", email()), ">\r\nSubject: 1.2.3"]),
    lambda: message(["email:", ("email", email()), ",name:bob"]),
    lambda: message(["ssh ", pick("root", "deploy"), "@", ("ipv4", ipv4()), " failed"]),
    lambda: emit("http.request.header.x-forwarded-for", [("ipv4", ipv4()), ", 10.0.0.%s, " % number(1, 254), ("ipv4", ipv4())]),
    lambda: emit("client.address", [("ipv6", "::ffff:" + ipv4())]),
    lambda: message(["Failed to connect to shop.example/", ("ipv4", ipv4()), ":443"]),
    lambda: message(['{"ip":"', ("ipv4", ipv4()), '","port":443,"version":"1.2.3.%s"}' % number(0, 9)]),
    lambda: message([pick("released lease for ", "TLS version mismatch with ", "installed on ", "HTTP version 1.1 from ", "Upgrade: websocket from "), ("ipv4", ipv4()), pick("", ":443", ", ok")]),
    lambda: message([pick("カード", "カード番号", "карта №", "卡号"), ("payment_card", card()), pick("が拒否", "", "，无效")]),
    lambda: message(["邮箱", ("email", email()), "无效"]),
    lambda: message(["{\"private_key\":\"", ("private_key", private_key().replace("\r\n", "\\r\\n").replace("\n", "\\n")), "\"}"]),
    lambda: message(["tel:", ("phone", phone().replace(" ", "")), " dialled"]),
    lambda: emit("url.query", ["phone=", ("phone", quote(phone(), safe="")), "&x=1"]),
    lambda: message(["{'password': '", ("sensitive_key", pick("hun ter2", "pa,ss;w0rd", "a'b"[:1] + "bc1", "p@ss w0rd")), "', 'user': 'x'}"]),
    lambda: message(["Server=db;Database=shop;User Id=app;Password=", ("sensitive_key", chars(ALNUM, 12)), ";Encrypt=true"]),
    lambda: message(["mysql -h db -u root --password=", ("sensitive_key", chars(ALNUM, 10)), " shop"]),
    lambda: message(["DB_PASSWORD=", ("sensitive_key", chars(ALNUM, 10)), "\nDB_HOST=db"]),
    lambda: message(["<soap:Password>", ("sensitive_key", chars(ALNUM, 10)), "</soap:Password>"]),
    lambda: message(['{"auth":{"password":"', ("sensitive_key", chars(ALNUM, 10)), '"},"n":1}']),
    lambda: emit("url.full", ["https://example.org/cb#access_token=", ("url_credentials", chars(ALNUM, 32)), "&token_type=bearer&expires_in=3600"]),
    lambda: emit("url.full", ["https://bucket.s3.amazonaws.com/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=900&X-Amz-Signature=", ("url_credentials", chars(HEX, 64))]),
    lambda: emit("url.full", ["https://acct.blob.core.windows.net/c/b?sv=2022-11-02&sr=b&sig=", ("url_credentials", quote(b64(random_bytes(32)), safe="")), "&se=2026-01-01"]),
    lambda: message(["psql: error: connection to \"postgresql://", ("url_credentials", "app:" + chars(ALNUM, 12)), "@10.0.0.3:5432/db\" failed"]),
    lambda: emit("db.connection_string", ["redis://:", ("url_credentials", chars(ALNUM, 16)), "@cache:6379/0"]),
    lambda: emit("url.full", ["https://", ("url_credentials", "x-access-token:" + chars(HEX, 32)), "@github.com/o/r.git"]),
    lambda: message(["jdbc:postgresql://db/shop?user=app&password=", ("url_credentials", chars(ALNUM, 14))]),
    lambda: message(["Aadhaar no ", ("aadhaar", aadhaar().replace(" ", "").replace("-", "")), " verified"]),
    lambda: message(["NHS number: ", ("nhs", nhs().replace(" ", ""))]),
    lambda: message(["CPF do cliente ", ("cpf", cpf()), " inválido"]),
    lambda: message(["export AWS_ACCESS_KEY_ID=", ("aws_key_id", aws_key_id()), "\nexport AWS_SECRET_ACCESS_KEY=", ("aws_secret_key", aws_secret())]),
    lambda: message(["Set-Cookie: ", ("cookie", "sid=" + chars(HEX, 32) + "; Path=/"), "\r\nX: 1"]),
    lambda: message(["Authorization: Token ", ("bearer", chars(HEX, 40))]),
    lambda: emit("db.query.text", ["SELECT * FROM t WHERE a = ", ("sql_literal", "$$it's %s$$" % number(1, 9)), " AND b = ", ("sql_literal", "E'x\\'y'")], "span_attribute", "postgresql"),
    lambda: emit("db.query.text", ["SELECT ", ("sql_literal", '"%s"' % email()), " FROM t WHERE `a` = ", ("sql_literal", "'x\\'y'"), " # c"], "span_attribute", "mysql"),
    lambda: emit("db.query.text", ["EXEC p @a = ", ("sql_literal", "N'%s'" % ascii_only(R.choice(LAST))), ", @b = ", ("sql_literal", "0x1F%s" % number(10, 99))], "span_attribute", "mssql"),
    lambda: emit("db.query.text", ["SELECT ARRAY[upper(", ("sql_literal", "'%s'" % chars(LOWER, 8)), "), lower(", ("sql_literal", "'%s'" % email().replace("'", "")), ")]"], "span_attribute", pick("", "postgresql", "trino")),
    lambda: emit("db.query.text", ["SELECT [lower(", ("sql_literal", "'%s'" % chars(LOWER, 8)), "), ", ("sql_literal", "'x'"), "], a[i] FROM [t]"], "span_attribute", pick("", "clickhouse")),
    lambda: emit("db.query.text", ["SELECT [it's a name] FROM [s].[t] WHERE n = ", ("sql_literal", "N'%s'" % chars(LOWER, 8))], "span_attribute", pick("mssql", "microsoft.sql_server", "sqlite")),
    lambda: emit("db.query.text", ['{"insert":"mails","$db":"shop","documents":[{"from":"', ("command_argument", email()), '","count":"', ("command_argument", chars(LOWER, 8)), '"}]}'], "span_attribute", "mongodb"),
    lambda: emit("db.query.text", ['{"aggregate":"orders","pipeline":[{"$lookup":{"from":"users","as":"', ("command_argument", "u"), '"}}]}'], "span_attribute", "mongodb"),
    lambda: emit("db.query.text", ['{"index":{"_index":"mails"}}\n{"from":"', ("command_argument", email()), '"}'], "span_attribute", "elasticsearch"),
    lambda: emit("db.query.text", ["HMSET u:1 a ", ("command_argument", ascii_only(R.choice(LAST))), " b ", ("command_argument", number(10, 99))], "span_attribute", "redis"),
]

NOTHING += [
    lambda: message('{"accountId": "%s", "orderId":"%s"}' % (digits(12), digits(16))),
    lambda: message("pass: %s, fail: 0; passed=%s failed=1" % (number(1, 99), number(1, 99))),
    lambda: message(pick("-----BEGIN PUBLIC KEY-----\n", "-----BEGIN CERTIFICATE-----\\n") + b64(random_bytes(60))),
    lambda: message("fingerprint " + ":".join(chars(HEX, 2) for _ in range(pick(20, 32)))),
    lambda: message(pick('secrets "x-%s" is forbidden', "csrf validation failed: token missing in %s", "next_page_token=%s", "api_key is invalid (%s)") % chars(LOWER, 8)),
    lambda: emit("mongodb.object_id", chars(HEX, 24)),
    lambda: emit("event.ulid", chars("0123456789ABCDEFGHJKMNPQRSTVWXYZ", 26)),
    lambda: emit("snmp.oid", "1.3.6.1.%s.1.%s.%s" % (number(1, 4), number(1, 9999), number(1, 99))),
    lambda: message("build 2026.%s.%s.%s finished" % (number(1, 12), number(1, 28), number(1, 99))),
    lambda: emit("telemetry.sdk.language", "d=\"M %s.%s %s.%s L %s %s\"" % tuple(digits(3) for _ in range(6))),
    lambda: message("retry in +%ss, +%s more, +%s%%" % (number(1, 900), number(1, 9999), number(1, 99))),
    lambda: message("SELECT-like text: FROM %s TO %s STEP %s" % (number(1, 99), number(100, 999), number(1, 9))),
    lambda: emit("thread.name", pick("http-nio-8080-exec-%s" % number(1, 99), "pool-%s-thread-%s" % (number(1, 9), number(1, 9)), "ForkJoinPool.commonPool-worker-%s" % number(1, 9))),
    lambda: message("at com.acme.Auth.password(Auth.java:%s)\n\tat com.acme.Token.next(Token.java:%s)" % (number(1, 999), number(1, 999))),
    lambda: message(pick("validate password strength: ok", "token count: %s", "the secret to success", "password reset email sent", "cookie consent: accepted", "tokens: %s in, %s out").replace("%s", number(1, 999))),
    lambda: emit("gen_ai.response.id", "chatcmpl-" + chars(ALNUM, 29)),
    lambda: emit("stripe.object", pick("pi_", "ch_", "cus_", "evt_", "in_", "sub_") + chars(ALNUM, 24)),
    lambda: emit("slack.channel", pick("C", "U", "T") + chars(UPPER + DIGITS, 10)),
    lambda: message(pick("commit fix-sk-nav-%s", "task-%s done", "disk-%s-full").replace("%s", chars(LOWER + DIGITS, 24))),
    lambda: emit("http.request.header.traceparent", "00-%s-%s-01" % (chars(HEX, 32), chars(HEX, 16))),
    lambda: emit("aws.request_id", pick(uuid(), "Root=1-%s-%s" % (chars(HEX, 8), chars(HEX, 24)))),
    lambda: message("checksum md5=%s crc32=%s sha1=%s" % (chars(HEX, 32), chars(HEX, 8), chars(HEX, 40))),
    lambda: message("range bytes=%s-%s/%s" % (number(0, 10**6), number(10**6, 10**7), number(10**7, 10**9))),
    lambda: emit("http.request.header.if-none-match", '"%s"' % chars(HEX, 32)),
    lambda: message("data:image/png;base64," + b64(random_bytes(45))),
    lambda: emit("code.stacktrace", "#0 0x%s in foo::bar (this=0x%s) at a.cc:%s" % (chars(HEX, 12), chars(HEX, 12), number(1, 999))),
    lambda: message("parcel 00%s delivered, EAN %s" % (digits(18), digits(13))),
    lambda: message("Datum: %s.%s.2026 Uhrzeit 1%s:%s:00" % (number(10, 28), number(10, 12), number(0, 9), number(10, 59))),
    lambda: message("memory: %s kB, inode %s, pid %s, uid 1000" % (digits(8), digits(9), digits(5))),
]


def main():
    global R
    args = argparse.ArgumentParser()
    args.add_argument("seed", type=int, nargs="?", default=1)
    args.add_argument("values", type=int, nargs="?", default=6600)
    args = args.parse_args()
    R = random.Random(args.seed)
    for make in POSITIVE:
        for _ in range(-(-args.values // (2 * len(POSITIVE)))):
            make()
    for i in range(args.values // 20):
        RARE[i % len(RARE)]()
        gen_mixed()
    found = len(out)
    for i in range(found):
        NOTHING[i % len(NOTHING)]()
    R.shuffle(out)
    for entry in out:
        print(json.dumps(entry, ensure_ascii=False, separators=(",", ":")))


if __name__ == "__main__":
    main()
