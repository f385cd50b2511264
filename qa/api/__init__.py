"""Wenju over HTTP: its own API and the OpenAI protocol, thin handlers over a bot."""
