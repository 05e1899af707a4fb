# SemCom Lab in one container: CPU only, weights inside, nothing downloaded at run time.
#
#   docker build -t semcom-lab . && docker run --rm -p 8501:8501 semcom-lab
#
# Also what a Docker Space of the Hugging Face Hub builds (the README's first lines belong to it).

FROM python:3.11-slim

# requirements.txt names torch by version only. Taken from PyPI, that is the build for NVIDIA cards, with several
# gigabytes of CUDA libraries. PyTorch's own index for CPUs has the same versions without them. For a machine with a
# card: --build-arg TORCH_INDEX=https://pypi.org/simple
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

# Spaces run as user 1000, too.
RUN useradd --create-home --home-dir /app --uid 1000 app
USER app
WORKDIR /app/lab
ENV HOME=/app \
    PATH=/app/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

# First, so that a change of the code does not install everything again. What only tests need stays out;
# torch and torchvision fit each other only from the same index.
COPY --chown=app:app requirements.txt ./
RUN python -m venv /app/venv \
    && grep -E "^torch(vision)?==" requirements.txt > /tmp/torch.txt \
    && sed "/^# Tests/,\$d" requirements.txt > /tmp/app.txt \
    && pip install --no-cache-dir --index-url "$TORCH_INDEX" -r /tmp/torch.txt \
    && pip install --no-cache-dir -r /tmp/app.txt \
    && rm /tmp/torch.txt /tmp/app.txt

COPY --chown=app:app .streamlit ./.streamlit
COPY --chown=app:app app.py ./
COPY --chown=app:app pages ./pages
COPY --chown=app:app semcom_core ./semcom_core
COPY --chown=app:app weights ./weights

EXPOSE 8501

# The body, as a proxy's own error page may also come with status 200. There is no curl in a slim image.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; raise SystemExit(urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4).read().strip() != b'ok')"]

# A Space shows the app inside a frame of another site. There a browser sends the cookie of the protection against
# forged uploads only if it is marked SameSite=None, which needs HTTPS: Spaces have that, a classroom's server may not.
CMD ["sh", "-c", "exec streamlit run app.py --server.address=0.0.0.0 --server.port=8501 --server.headless=true ${SPACE_ID:+--server.xsrfCookieSameSite=none}"]
