"""Plans: who may choose which, what a change grants, and what operators offer."""

from decimal import Decimal

import pytest
from sqlalchemy import select

from igny8.access import Role, Viewer
from igny8.auth import catalog, sites
from igny8.auth import tables as t
from igny8.auth.catalog import PlanTemplate
from igny8.billing import plans
from igny8.credits import CreditEntry
from igny8.db import Database, LoginRole, new_id
from igny8.errors import AlreadyExists, LimitReached, NotAllowedNow, NotFound, ValidationFailed
from igny8.limits import Plan, PlanLimit, Subscription
from tests.support.tenants import (
    KEYRING,
    both,
    changes_of,
    new_developer,
    new_member,
    new_owner,
    new_site,
    rows_of,
    writing,
)

pytestmark = pytest.mark.anyio


def template(slug: str, **given: object) -> PlanTemplate:
    trial = catalog.plans()[0]
    return trial.model_copy(update={"slug": slug, "name": slug.title(), "is_default": False, **given})


@pytest.fixture
async def free_plan(db: Database) -> Plan:
    """A plan of price 0 beside the default one: 300 credits, one site."""
    slug = f"club-{new_id().hex[-12:]}"
    limits = {**dict.fromkeys(PlanLimit), PlanLimit.SITES: 1, PlanLimit.USERS: 3}
    async with db.session(LoginRole.SYSTEM) as session:
        plan_id = await plans.add(session, template(slug, included_credits=300, limits=limits))
        return await session.get_one(Plan, plan_id)


async def plan_called(db: Database, slug: str) -> Plan:
    async with db.session(LoginRole.SYSTEM) as session:
        return (await session.execute(select(Plan).where(Plan.slug == slug))).scalar_one()


async def state(db: Database, viewer: Viewer) -> tuple[object, str, str]:
    """The account's plan, the subscription's status and the account's."""
    (subscription,) = await rows_of(db, Subscription, viewer.account_id)
    async with db.session(LoginRole.SYSTEM) as session:
        account = await session.get_one(t.Account, viewer.account_id)
    return subscription.plan_id, subscription.status, account.status


async def grants(db: Database, viewer: Viewer) -> list[tuple[str, int, int]]:
    entries = await rows_of(db, CreditEntry, viewer.account_id)
    return [(entry.key, entry.amount, entry.balance_after) for entry in entries]


async def test_an_owner_chooses_a_plan_without_a_price(db: Database, free_plan: Plan) -> None:
    owner = await new_owner(db)
    async with writing(db, owner) as session:
        await plans.choose(session, owner, free_plan.id, billing_mode="none")
    assert await state(db, owner) == (free_plan.id, "TRIALING", "TRIAL")
    assert await grants(db, owner) == [("plan:2026-07-01", 300, 300)]
    (subscription,) = await rows_of(db, Subscription, owner.account_id)
    assert await changes_of(db, owner.account_id) == [
        ("UPDATED", "AccountSubscription", [subscription.id], None),
        ("UPDATED", "Account", [owner.account_id], None),
    ]


@pytest.mark.parametrize(("billing_mode", "developer"), [("none", True), ("none", False), ("manual", False)])
async def test_plans_with_a_price_wait_for_payment(
    db: Database, billing_mode: plans.BillingMode, developer: bool
) -> None:
    owner = await new_owner(db)
    viewer = await new_developer(db, acting_on=owner.account_id) if developer else owner
    before = await state(db, owner)
    growth = await plan_called(db, "growth")
    with pytest.raises(NotAllowedNow, match="Payment is not connected yet") as refused:
        async with writing(db, viewer) as session:
            await plans.choose(session, viewer, growth.id, billing_mode=billing_mode)
    assert refused.value.field == ("planId",)
    assert await state(db, owner) == before
    assert await grants(db, owner) == []


async def test_a_developer_sells_by_hand_where_that_is_switched_on(db: Database) -> None:
    owner = await new_owner(db)
    developer = await new_developer(db, acting_on=owner.account_id)
    growth = await plan_called(db, "growth")
    async with writing(db, developer) as session:
        await plans.choose(session, developer, growth.id, billing_mode="manual")
    assert await state(db, owner) == (growth.id, "ACTIVE", "ACTIVE")
    assert await grants(db, owner) == [("plan:2026-07-01", 20_000, 20_000)]


async def test_credits_are_granted_once_a_period_however_often_the_plan_changes(
    db: Database, free_plan: Plan
) -> None:
    owner = await new_owner(db)
    developer = await new_developer(db, acting_on=owner.account_id)
    for slug in ("starter", "scale", free_plan.slug, "free-trial", "starter", "starter"):
        plan = await plan_called(db, slug)
        async with writing(db, developer) as session:
            await plans.choose(session, developer, plan.id, billing_mode="manual")
    assert await grants(db, owner) == [("plan:2026-07-01", 5_000, 5_000)]
    assert (await state(db, owner))[1:] == ("ACTIVE", "ACTIVE")


async def test_the_default_plan_grants_nothing_when_it_is_chosen(db: Database) -> None:
    owner = await new_owner(db, plan="starter")
    trial = await plan_called(db, "free-trial")
    async with writing(db, owner) as session:
        await plans.choose(session, owner, trial.id, billing_mode="none")
    assert (await state(db, owner))[0] == trial.id
    assert await grants(db, owner) == []


async def test_a_plan_below_present_use_is_refused_and_names_the_limit(db: Database, free_plan: Plan) -> None:
    owner = await new_owner(db)
    for _ in range(2):
        await new_site(db, owner.account_id)
    before = await state(db, owner)
    with pytest.raises(LimitReached, match="allows 1 of SITES") as refused:
        async with writing(db, owner) as session:
            await plans.choose(session, owner, free_plan.id, billing_mode="none")
    assert refused.value.details == {"limit": "SITES", "used": 2, "max": 1}
    assert await state(db, owner) == before
    assert await grants(db, owner) == []


async def test_invited_users_count_against_a_smaller_plan(db: Database, free_plan: Plan) -> None:
    owner = await new_owner(db, plan="scale")
    for _ in range(3):
        await new_member(db, owner.account_id, Role.EDITOR, status="INVITED")
    with pytest.raises(LimitReached) as refused:
        async with writing(db, owner) as session:
            await plans.choose(session, owner, free_plan.id, billing_mode="none")
    assert refused.value.details == {"limit": "USERS", "used": 4, "max": 3}


async def test_a_site_that_is_made_during_a_change_is_measured_by_the_new_plan(db: Database, free_plan: Plan) -> None:
    owner = await new_owner(db)
    await new_site(db, owner.account_id)
    lost = await both(
        db,
        (owner, lambda session: plans.choose(session, owner, free_plan.id, billing_mode="none")),
        (owner, lambda session: sites.create(session, owner.account_id, keyring=KEYRING, name="Late")),
    )
    assert isinstance(lost, LimitReached)
    assert len(await rows_of(db, t.Site, owner.account_id)) == 1


async def test_a_change_waits_for_a_site_that_is_being_made(db: Database, free_plan: Plan) -> None:
    owner = await new_owner(db)
    await new_site(db, owner.account_id)
    lost = await both(
        db,
        (owner, lambda session: sites.create(session, owner.account_id, keyring=KEYRING, name="First")),
        (owner, lambda session: plans.choose(session, owner, free_plan.id, billing_mode="none")),
    )
    assert isinstance(lost, LimitReached)
    assert (await state(db, owner))[0] != free_plan.id


async def test_a_plan_that_is_no_longer_offered_is_not_found(db: Database, free_plan: Plan) -> None:
    owner = await new_owner(db)
    async with db.session(LoginRole.SYSTEM) as session:
        await plans.change(session, free_plan.slug, is_active=False)
    for plan_id in (free_plan.id, new_id()):
        with pytest.raises(NotFound, match="No plan with this id") as refused:
            async with writing(db, owner) as session:
                await plans.choose(session, owner, plan_id, billing_mode="manual")
        assert refused.value.field == ("planId",)


async def test_operators_see_all_plans_the_cheapest_first(db: Database, free_plan: Plan) -> None:
    async with db.session(LoginRole.SYSTEM) as session:
        await plans.change(session, free_plan.slug, is_active=False)
        offered = await plans.listed(session)
    assert [plan.slug for plan in offered][-3:] == ["starter", "growth", "scale"]
    assert free_plan.id in {plan.id for plan in offered}


async def test_a_slug_names_one_plan(db: Database) -> None:
    async with db.session(LoginRole.SYSTEM) as session:
        with pytest.raises(AlreadyExists) as refused:
            await plans.add(session, template("growth"))
    assert refused.value.field == ("slug",)


async def test_an_operator_changes_a_plan(db: Database, free_plan: Plan) -> None:
    async with db.session(LoginRole.SYSTEM) as session:
        await plans.change(
            session, free_plan.slug, name="Club", price=Decimal("9.50"), limits={PlanLimit.SITES: None}
        )
    changed = await plan_called(db, free_plan.slug)
    assert (changed.name, changed.price, changed.included_credits) == ("Club", Decimal("9.50"), 300)
    limits = {entry["limit"]: entry["max"] for entry in changed.limits}
    assert (limits["SITES"], limits["USERS"]) == (None, 3)
    assert len(limits) == len(PlanLimit)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"price": Decimal("-1")}, ("price",)),
        ({"price": Decimal("1.999")}, ("price",)),
        ({"included_credits": -1}, ("included_credits",)),
        ({"name": ""}, ("name",)),
        ({"limits": {PlanLimit.SITES: -1}}, ("limits", "SITES")),
    ],
)
async def test_a_plan_cannot_be_made_nonsense(
    db: Database, free_plan: Plan, given: dict[str, object], field: tuple[str, ...]
) -> None:
    async with db.session(LoginRole.SYSTEM) as session:
        with pytest.raises(ValidationFailed) as refused:
            await plans.change(session, free_plan.slug, **given)  # type: ignore[arg-type]  # one of the options
    assert refused.value.field[: len(field)] == field


async def test_there_is_always_one_active_default_plan(db: Database, free_plan: Plan) -> None:
    async with db.session(LoginRole.SYSTEM) as session:
        with pytest.raises(NotAllowedNow, match="default plan must be active"):
            await plans.change(session, "free-trial", is_active=False)
        await plans.change(session, free_plan.slug, is_default=True)
        await plans.change(session, "free-trial", is_active=False)
        defaults = await session.execute(select(Plan.slug).where(Plan.is_default))
        assert defaults.scalars().all() == [free_plan.slug]
        await session.rollback()
    with pytest.raises(NotFound, match="No plan with the slug nothing"):
        async with db.session(LoginRole.SYSTEM) as session:
            await plans.change(session, "nothing", name="A")
