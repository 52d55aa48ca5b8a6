"""The REST API. One folder per noun: routes, schemas, service, queries."""
