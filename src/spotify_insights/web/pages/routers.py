"""All pages, in one router."""

from fastapi import APIRouter

from spotify_insights.web.pages import (
    account,
    account_actions,
    download_export,
    imports,
    joining,
    passwords,
    people,
    providers,
    sign_in,
    welcome,
)

router = APIRouter(include_in_schema=False)
for pages in (
    welcome,
    sign_in,
    joining,
    passwords,
    account,
    account_actions,
    imports,
    people,
    download_export,
    providers,
):
    router.include_router(pages.router)
