"""What is recorded: name -> (language, environment, steps); a step is (environment, program, arguments...)."""

LOST = {"OTEL_PROPAGATORS": "none"}


def groups(program_of_producer, program_of_consumer, *names):
    return [({}, program_of_producer)] + [({"GROUP": name}, program_of_consumer) for name in names]


KAFKAJS = groups("produce", "consume", "stock", "mail")

RECORDINGS = {
    "kafkajs-0.32.0": ("javascript", {}, KAFKAJS),
    "kafkajs-0.32.0-lost": ("javascript", LOST, KAFKAJS),
}
