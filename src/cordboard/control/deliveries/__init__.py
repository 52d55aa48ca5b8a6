"""Events on their way to webhooks, as owners see them: ``/x/v1/deliveries``."""
