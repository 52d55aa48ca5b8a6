"""The API as an OpenAPI document, made from the schemas that input is read by."""
