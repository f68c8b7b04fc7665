"""The page that describes the REST API, with its scripts served from here: it reads the same without the internet."""

from typing import Final

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles
from swagger_ui_bundle import swagger_ui_path

_ASSETS: Final = "/docs/assets"


def install(app: FastAPI) -> None:
    """Adds `/docs`; the application itself must be made with `docs_url=None`."""
    app.openapi_version = "3.0.3"  # the newest that the bundled page can show
    app.mount(_ASSETS, StaticFiles(directory=swagger_ui_path))

    @app.get("/docs", include_in_schema=False)
    async def page() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title=f"{app.title}: the API",
            swagger_js_url=f"{_ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{_ASSETS}/swagger-ui.css",
            swagger_favicon_url=f"{_ASSETS}/favicon-32x32.png",
            swagger_ui_parameters={"defaultModelsExpandDepth": 0, "tryItOutEnabled": True},
        )
