"""pip install -r requirements.txt && OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 python3 app.py"""

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider(resource=Resource.create({"service.name": "quickstart"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)

tracer = trace.get_tracer("shop")
with tracer.start_as_current_span("checkout"):
    with tracer.start_as_current_span("charge card", attributes={"payment.amount": 49.95}):
        pass
provider.shutdown()
