"""The page in the browser: thin handlers over a bot. Only what stands here may import gradio."""
