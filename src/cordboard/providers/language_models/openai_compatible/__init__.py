"""Language models behind the chat completions protocol, the vendor's own or any server that
speaks it, by base URL.
"""
