"""External actions: the agent's signed requests to an API of the tenant's own."""
