/* Literals of SQL and of other stores' commands, in « »; all else stays. */
#include "processors/scrub/detect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *const cases[][2] = {
    {"postgresql",
     "SELECT * FROM \"Users\" WHERE \"Name\" = «'x''y'» AND n = «42»::int AND c = :c"},
    {"postgresql", "SELECT «E'a\\'b'», «$q$ it's $1 $q$», «$$x$$», «U&'\\0041'», «B'01'», «X'1F'»"},
    {"postgresql", "SELECT «'C:\\'» || name FROM t1 WHERE col2 = other3"},
    {"mysql", "SELECT «\"x\"», `a 'b'`, «'a\\'b'» FROM t # who's that\n WHERE a = «1»"},
    {"mysql", "SELECT «_utf8'x'» /* it's a hint */, «0x1F», «.5», «1e-5» FROM t -- it's\n"},
    {"mysql", "SELECT /*! SQL_NO_CACHE «'x'» */ a FROM t"},
    {"mssql", "SELECT [it's] FROM t WHERE n = «N'x'» AND d = @p1 AND e = @@rowcount"},
    {"sqlite", "SELECT [2024 it's], [a\"b] FROM t WHERE n = «'x'»"},
    {"clickhouse", "SELECT [lower(«'s3cr3t'»), «'a]b'»], m[k], [k.a]"},
    {"postgresql", "SELECT ARRAY[upper(«'s3cr3t'»)], a[i]"},
    {"trino", "SELECT ARRAY[upper(«'s3cr3t'»), «'x'»]"},
    {"", "SELECT ARRAY[upper(«'s3cr3t'»), lower(«\"t w\"»)]"},
    {"", "SELECT ARRAY[f([lower(«'s3cr3t'»)])], [a b].[c_1] FROM t WHERE n = «'x'»"},
    {"", "SELECT [order 2024] FROM t WHERE n = «'x'»"},
    {"", "SELECT ARRAY«[upper('a]b'), 'x'] FROM t WHERE n = 'y'»"},
    {"", "SELECT «[it's] FROM t WHERE n = 'x'»"},
    {"", "SELECT [it is FROM t WHERE n = «'x'»"},
    {"oracle", "SELECT \"a b\" FROM t WHERE x = «-5» AND y = z - «6789»"},
    {"",
     "SELECT \"u\".\"id\" FROM \"u\" WHERE \"u\".\"mail\" = «\"a@b.example\"» AND \"k\" = «\"x\"»"},
    {"", "INSERT INTO \"t\" (\"a\", \"b\") VALUES («\"x\"», «\"y z\"»)"},
    {"", "SELECT a FROM b WHERE c = ? AND d = :name AND e = @p1 AND f = %s AND g = %(h)s LIMIT 10"},
    {"", "SELECT a FROM b WHERE c = ? AND card = «4111111111111111»"},
    {"", "SELECT a FROM b WHERE password = token AND api_key = secret"},
    {"", "SELECT «'a\\' OR b = 'c'»"},
    {"", "SELECT «'never ends»"},
    {"", "SELECT a «/* never ends»"},
    {"", "SELECT a FROM b -- of «alice@example.com»"},
    {"cassandra", "SELECT a FROM b WHERE id = «c52b7f1e-b483-4fd3-89fe-f0da6cd0bc39» AND b = ?"},
    {"cassandra", "SELECT a FROM b WHERE id=«043601cf-cff6-4eb2-b961-7b33841fdd22» AND c = d - e"},
    {"mysql", "SELECT a FROM b WHERE c = «\"a@b.example\"» AND d > «80» LIMIT «10»"},
    {"postgresql", "SELECT a FROM b WHERE c = «\"a@b.example\"» AND d = @p AND e = 80"},
    {"postgresql", "SELECT a FROM b [parameters: {'id': «45960», 'name': «'Ann'»}] «'a'»::text"},
    {"mssql", "EXEC dbo.Add @Id = «2885», @Note = «N'a'»"},
    {"mssql", "SELECT a FROM b WHERE c = @p AND d = 5"},
    {"redis", "SET user:1 «alice» EX 60 NX"},
    {"redis", "SET user:1 «alice» «smith» EX «60d» «70»"},
    {"redis", "SET user:1 «EX» «60»\nsetex k 60 «60»\nPSETEX k «6a» «v»"},
    {"redis", "LSET l -1 «v»\nLINDEX l 3\nLRANGE l 0 -1\nZADD z NX «5» «m»\nEXPIRE k 60 GT"},
    {"redis", "XADD s MAXLEN ~ 1000 * name «Ann» 5 «b»\nXADD s 1526919030474-55 5 «b»"},
    {"redis", "XADD s * «note» «hello» «world»\nMSET a «1» b «2»\nMSET «a» «1» «b»"},
    {"redis", "HSET h «name» «Ann» «Lee» «city» «Rome»"},
    {"redis", "CONFIG SET requirepass «p» «w» «maxmemory» «1»\nCONFIG SET requirepass «'p w'» "
              "maxmemory «1»\nCONFIG GET maxmemory"},
    {"redis",
     "EVALSHA 8f0d4dbd2c1ee4d2e4ac0dd3ff2e0d9bb3b4a5c6 1 k «v»\nXREAD COUNT 2 STREAMS «s» «0»"},
    {"redis", "SET token:146066 «alice»\nTTL token:146066\nGET token:«146066a»"},
    {"redis", "HSET h a «1» b «2»\nGET k\nAUTH user «\"p w\"»"},
    {"redis", "GET «alice@example.com»"},
    {"redis", "UNHEARD «of» «it»"},
    {"memcached", "set k «0 60 5\r\nhello»"},
    {"mongodb",
     "{\"find\":\"users\",\"filter\":{\"mail\":\"«a»\",\"age\":{\"$gt\":«5»},\"x\":\"?\"}}"},
    {"mongodb",
     "{\"insert\":\"mails\",\"$db\":\"shop\",\"documents\":[{\"from\":\"«a»\",\"index\":\"«b»\","
     "\"count\":{\"update\":\"«c»\"},\"collection\":\"«d»\"}]}"},
    {"mongodb", "{\"aggregate\":\"o\",\"pipeline\":[{\"$match\":{\"from\":\"«a»\"}},{\"$lookup\":"
                "{\"let\":{\"from\":\"«b»\"},\"from\":\"users\"}}],\"from\":\"«c»\"}"},
    {"mongodb", "{\"find\":\"«a@b.example»\",\"filter\":{\"by «c@d.example»\":«1»}}"},
    {"mongodb", "{\"find\":[\"«users»\"],\"getMore\":«17»,\"collection\":\"u\"}"},
    {"mongodb", "db.mails.insert({\"find\":\"«a»\"})"},
    {"elasticsearch", "{\"index\":{\"_index\":\"mails\",\"_id\":\"«1»\"}}\n"
                      "{\"update\":\"«a»\",\"from\":\"«b»\",\"_index\":\"«c»\"}"},
    {"elasticsearch", "{\"from\":\"«a»\",\"count\":\"«b»\",\"index\":\"«c»\"}"},
    {"mongodb", "db.users.find({mail: '«a»', age: {$gt: «-30»}})"},
    {"mongodb", "«{\"find\":\"users\",\"filter\":{\"mail\":\"a}}»"},
    {"elasticsearch", "{\"query\":{\"match\":{\"name\":\"«bob»\"}},\"size\":10}"},
    {"elasticsearch", "{\"query\":{\"size\":«10»},\"size\":«123456»,\"from\":\"«a»\"}"},
    {"opensearch", "{\"_source\":[\"cart\",\"total\"],\"query\":{\"ids\":[\"«a»\",\"«b»\"]}}"},
    {"elasticsearch", "{\"query\":{\"term\":{\"field\":\"«bob»\"}},\"aggs\":{\"a\":{\"terms\":"
                      "{\"field\":\"user.keyword\",\"missing\":\"«x»\"}}},\"_source\":\"mail\"}"},
    {"dynamodb",
     "{\"TableName\":\"Carts\",\"KeyConditionExpression\":\"pk = :pk\","
     "\"ExpressionAttributeNames\":{\"#a\":\"mail\"},"
     "\"ExpressionAttributeValues\":{\":pk\":{\"S\":\"«bob»\"}},\"Key\":{\"TableName\":\"«a»\"}}"},
    {"mongodb",
     "{\"insert\":\"u\",\"documents\":[{\"size\":«10»,\"_source\":[\"«a»\"],\"field\":\"«b»\"}],"
     "\"size\":«1»}"},
    {"redis",
     "EVAL \"return redis.call('GET', KEYS[1])\" 2 cart:1 k «v»\nAUTH default «pw»\nAUTH «pw»"},
    {"", "SELECT MAX(\"catalog_id\") FROM b WHERE c = LOWER(«\"Smith\"»)"},
    {"mongodb", "{\"distinct\":\"users\",\"key\":\"city\",\"query\":{\"key\":\"«a»\"}}"},
    {"", "{\"find\":\"users\",\"filter\":{\"mail\":\"«a»\"}}"},
    {"", "SETEX k 60 «v»"},
    {"redis", "CLUSTER SLOTS"},
    {"mongodb", "{\"ping\":1,\"x\":«2»}"},
    {"", "SELECT «q'[it's]'», «q'{a}'» FROM dual"},
    {"", "SELECT q.«'a'» FROM q"},
    {"oracle", "ALTER USER app IDENTIFIED BY «S3cret#1» ACCOUNT UNLOCK"},
    {"oracle", "CREATE USER app IDENTIFIED BY «\"S3cret\"»; GRANT x TO y"},
    {"postgresql", "SELECT «1u»&«'b'», «U&'d\\0061t'»"},
};

static void literals_go_and_names_stay(void **state)
{
    (void)state;
    struct detector_options o = {0};
    unsigned failed = 0;
    for (unsigned i = 0; i < SCRUB_CLASSES; i++)
        o.classes[i] = scrub_profile_has(PROFILE_STRICT, (enum scrub_class)i);
    struct detector *d = detector_create(&o);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512] = "", shown[1024] = "";
        size_t len = 0, done = 0, count;
        struct finding found[FINDINGS_MAX];
        for (const char *c = cases[i][1]; *c; c++) {
            if (strncmp(c, "«", 2) == 0 || strncmp(c, "»", 2) == 0)
                c++;
            else
                text[len++] = *c;
        }
        struct detect_context where = {.key = bytes_of_string("db.query.text"),
                                       .db_system = bytes_of_string(cases[i][0])};
        where.top_key = where.key;
        assert_int_equal(detector_find(d, &where, bytes_of(text, len), found, &count), DETECT_OK);
        for (size_t k = 0; k < count; k++) {
            sprintf(shown + strlen(shown), "%.*s«%.*s»", (int)(found[k].start - done), text + done,
                    (int)found[k].len, text + found[k].start);
            done = found[k].start + found[k].len;
        }
        strcat(shown, text + done);
        if (strcmp(shown, cases[i][1]) != 0) {
            print_message("%s: wanted %s\n        found %s\n", cases[i][0], cases[i][1], shown);
            failed++;
        }
    }
    detector_destroy(d);
    assert_int_equal(failed, 0);
}

/* Who keeps one kind of literals has not asked for the addresses in them. */
static void literals_that_stay_are_text(void **state)
{
    (void)state;
    static const char *const statements[][2] = {
        {"mysql", "SELECT 1 WHERE a = 'a@b.example'"},
        {"redis", "SET a a@b.example"},
        {"memcached", "set k 0 60 5\r\na@b.example"},
        {"mongodb", "{\"find\":\"a\",\"x\":\"a@b.example\"}"}};
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        struct detector_options o = {.classes[SCRUB_EMAIL] = true};
        o.classes[i == 0 ? SCRUB_COMMAND_ARGUMENT : SCRUB_SQL_LITERAL] = true;
        struct detector *d = detector_create(&o);
        struct finding found[FINDINGS_MAX];
        size_t count;
        const struct detect_context where = {.key = bytes_of_string("db.query.text"),
                                             .top_key = bytes_of_string("db.query.text"),
                                             .db_system = bytes_of_string(statements[i][0])};
        assert_int_equal(detector_find(d, &where, bytes_of_string(statements[i][1]), found, &count),
                         DETECT_OK);
        assert_int_equal(count, 1);
        assert_int_equal(found[0].class, SCRUB_EMAIL);
        detector_destroy(d);
    }
}

/* A list of a thousand is one literal once there are many; the statement stays readable. */
static void long_lists_are_one(void **state)
{
    (void)state;
    struct detector_options o = {.classes[SCRUB_SQL_LITERAL] = true};
    struct detector *d = detector_create(&o);
    char text[8192] = "INSERT INTO t (a) VALUES ";
    for (int i = 0; i < 1000; i++)
        strcat(text, i ? ", (7)" : "(7)");
    strcat(text, " RETURNING a");
    struct finding found[FINDINGS_MAX];
    size_t count;
    const struct detect_context where = {.key = bytes_of_string("db.query.text"),
                                         .top_key = bytes_of_string("db.query.text")};
    assert_int_equal(detector_find(d, &where, bytes_of_string(text), found, &count), DETECT_OK);
    assert_true(count > 1 && count < FINDINGS_MAX);
    const struct finding *last = &found[count - 1];
    assert_string_equal(text + last->start + last->len, ") RETURNING a");
    detector_destroy(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals_go_and_names_stay),
        cmocka_unit_test(literals_that_stay_are_text),
        cmocka_unit_test(long_lists_are_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
