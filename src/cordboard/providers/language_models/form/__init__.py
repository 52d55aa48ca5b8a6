"""The *form* model: a language model without weights, for agents whose work is to fill a form.

It is the form interpretation of VoiceXML on JSON Schema. An agent's external actions are the forms,
their properties the fields. From what the caller says it takes choices, times, dates, numbers,
e-mail addresses, yes and no, and words; it asks for what is missing, one field at a time; it reads
the whole back and asks whether it is right; it takes corrections; it calls the action, words its
outcome, offers more help, and ends when the caller says goodbye.

What it is not: it reads no prompt, answers no question of the caller, remembers nothing beyond the
conversation it is given, and speaks English only.
"""
