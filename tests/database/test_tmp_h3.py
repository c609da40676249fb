import pytest
from igny8.access import Role
from tests.support.api import Api
from tests.support.world import World
pytestmark = pytest.mark.anyio
async def test_x(api: Api, world: World) -> None:
    dev = world.operators()[Role.DEVELOPER]
    for acc in ("acc_"+"0"*32,):
        for q in ("{ account { id } }", "{ viewer { role } sites { totalCount } }", 'mutation { createSite(input: {name: "x"}) { errors { message } } }', "{ viewer { role account { id } } }"):
            r = await api.post({"query": q}, as_=dev, headers={"X-Igny8-Account": acc})
            print(r.status_code, r.text[:300])
