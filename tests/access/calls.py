"""Arguments with which each root field is a good call. What they need is made anew, so every call may succeed."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from igny8.access import Role
from tests.access.stage import OTHER_PASSWORD, PASSWORD, Caller, Stage

Arguments = dict[str, Any]


def _sign_up(stage: Stage, _: Caller) -> Arguments:
    return {"input": {"email": stage.email(), "password": PASSWORD, "name": "Ada"}}


def _sign_in(stage: Stage, _: Caller) -> Arguments:
    return {"input": {"email": stage.user_with_password().email, "password": PASSWORD}}


def _verify_email(stage: Stage, _: Caller) -> Arguments:
    return {"token": stage.mailed(stage.unverified(), "VERIFY_EMAIL")}


def _reset_password(stage: Stage, _: Caller) -> Arguments:
    return {"token": stage.mailed(stage.user_with_password(), "RESET_PASSWORD"), "newPassword": OTHER_PASSWORD}


def _invitation(stage: Stage, _: Caller) -> Arguments:
    return {"token": stage.mailed(stage.user(status="INVITED"), "INVITATION")}


def _change_password(stage: Stage, caller: Caller) -> Arguments:
    if caller.person is not None:
        stage.with_password(caller.person)
    return {"currentPassword": PASSWORD, "newPassword": OTHER_PASSWORD}


def _revoke_session(stage: Stage, caller: Caller) -> Arguments:
    return {"id": stage.other_session(caller.person or stage.tenant[Role.EDITOR])}


def _invite(stage: Stage, _: Caller) -> Arguments:
    return {"input": {"email": stage.email(), "role": "EDITOR", "siteIds": [stage.tenant.site("a")]}}


def _of_new_user(stage: Stage, **given: Any) -> Arguments:
    return {"userId": stage.user().public_id, **given}


def _create_site(stage: Stage, _: Caller) -> Arguments:
    return {"input": {"name": stage.word(), "industryId": stage.some("industry", "ind")}}


def _update_site(stage: Stage, _: Caller) -> Arguments:
    return {
        "input": {
            "id": stage.tenant.site("a"), "name": stage.word(), "industryId": stage.some("industry", "ind")
        }
    }  # fmt: skip


def _create_sector(stage: Stage, _: Caller) -> Arguments:
    return {
        "input": {
            "siteId": stage.tenant.site("a"),
            "name": stage.word(),
            "industrySectorId": stage.some("industry_sector", "ins"),
        }
    }


def _page(kind: str, **of: str) -> Callable[[Stage, Caller], Arguments]:
    """A page of the one row that every part of the filter lets through."""
    return lambda stage, _: {"filter": _filter(stage, ids=kind, siteId="sit", sectorId="sec", **of)}


def _filter(stage: Stage, **kinds: str) -> Arguments:
    return {name: [stage.id_of(kind, stage.tenant, "a")] for name, kind in kinds.items()}


def _nothing(_: str) -> Arguments:
    return {}


def _sector_of_strategy(stage: Stage) -> Arguments:
    stage.id_of("str", stage.tenant, "a")
    return {"sectorId": stage.tenant.sector("a")}


def _usage(stage: Stage, _: Caller) -> Arguments:
    stage.id_of("cus", stage.tenant, "a")
    return {"filter": {"siteId": stage.tenant.site("a")}}


def _summary(stage: Stage, caller: Caller) -> Arguments:
    _usage(stage, caller)
    now = datetime.now(UTC)
    return {"from": (now - timedelta(days=1)).isoformat(), "to": (now + timedelta(days=1)).isoformat()}


def _adjust(stage: Stage, _: Caller) -> Arguments:
    given = {"amount": 100, "transactionType": "PURCHASE", "description": stage.word()}
    return {"accountId": stage.tenant.public_id, **given}


def _jobs(stage: Stage, _: Caller) -> Arguments:
    ended = stage.id_of("job", stage.tenant, "a")
    about = {"siteId": [stage.tenant.site("a")], "subjectId": [stage.id_of("clu", stage.tenant, "a")]}
    return {"filter": {"ids": [ended], "startedById": [stage.tenant[Role.OWNER].public_id], **about}}


def _create_keywords(stage: Stage, _: Caller) -> Arguments:
    return {"input": {"sectorId": stage.tenant.sector("a"), "keywords": [{"keyword": stage.word()}]}}


def _cluster_keywords(stage: Stage, _: Caller) -> Arguments:
    return {"input": {"keywordIds": [stage.new_keyword()], "method": "LEXICAL"}}


def _generate_ideas(stage: Stage, _: Caller) -> Arguments:
    stage.saved_settings()
    stage.fund()
    return {"input": {"clusterIds": [stage.new_cluster()]}}


def _create_cluster(stage: Stage, _: Caller) -> Arguments:
    sector, keywords = stage.tenant.sector("a"), [stage.new_keyword()]
    return {"input": {"sectorId": sector, "name": stage.word(), "keywordIds": keywords}}


def _remove_keywords(stage: Stage, _: Caller) -> Arguments:
    cluster, keyword = stage.new_member()
    return {"clusterId": cluster, "keywordIds": [keyword]}


def _create_idea(stage: Stage, _: Caller) -> Arguments:
    return {"input": {"sectorId": stage.tenant.sector("a"), "title": stage.word()}}


def _create_content(stage: Stage, _: Caller) -> Arguments:
    return {"input": {"sectorId": stage.tenant.sector("a"), "title": stage.word(), "htmlContent": "<p>Text</p>"}}


def _generate_content(stage: Stage, _: Caller) -> Arguments:
    stage.saved_settings()
    return {"input": {"taskIds": [stage.new_task(funded=True)]}}


#: By root field. A field that is not named is called without arguments.
ARGUMENTS: Mapping[str, Callable[[Stage, Caller], Arguments]] = {
    "account": lambda stage, _: {"id": stage.tenant.public_id},
    "accounts": lambda stage, _: {"search": stage.tenant.slug, "first": 2},
    "invitation": _invitation,
    "users": lambda stage, _: {"filter": _filter(stage, ids="usr", siteId="sit")},
    "sites": lambda stage, _: {"filter": _filter(stage, ids="sit")},
    "site": lambda stage, _: {"id": stage.tenant.site("a")},
    "sectors": lambda stage, _: {"filter": {"ids": [stage.tenant.sector("a")], "siteId": [stage.tenant.site("a")]}},
    "keywords": _page("key", clusterId="clu"),
    "clusters": _page("clu"),
    "ideas": _page("ide", clusterId="clu"),
    "tasks": _page("tsk", clusterId="clu", ideaId="ide"),
    "contents": _page("con", clusterId="clu", taskId="tsk", ideaId="ide", authorProfileId="aut"),
    "content": lambda stage, _: {"id": stage.id_of("con", stage.tenant, "a")},
    "images": lambda stage, _: {"filter": _filter(stage, ids="img", siteId="sit", contentId="con", taskId="tsk")},
    "estimateCredits": lambda stage, _: {
        "input": {"kind": "CLUSTER_KEYWORDS", "ids": [stage.id_of("key", stage.tenant, "a")]}
    },
    "aiPrompts": lambda stage, _: _nothing(stage.saved_prompt()),
    "aiPromptPreview": lambda stage, _: {
        "promptType": "CONTENT",
        "value": "{{data}}",
        "subjectId": stage.id_of("tsk", stage.tenant, "a"),
    },
    "integrationSettings": lambda stage, _: _nothing(stage.saved_settings()),
    "authorProfiles": lambda stage, _: _nothing(stage.id_of("aut", stage.tenant, "a")),
    "strategies": lambda stage, _: _sector_of_strategy(stage),
    "creditTransactions": lambda stage, _: {"first": len([stage.id_of("ctr", stage.tenant, "a")])},
    "creditUsageLogs": _usage,
    "usageSummary": _summary,
    "job": lambda stage, _: {"id": stage.id_of("job", stage.tenant, "a")},
    "jobs": _jobs,
    "node": lambda stage, _: {"id": stage.tenant.site("a")},
    "nodes": lambda stage, _: {"ids": [stage.tenant.site("a"), stage.tenant.sector("a")]},
    "signUp": _sign_up,
    "signIn": _sign_in,
    "refreshToken": lambda stage, _: {"refreshToken": stage.refresh_token(stage.user())},
    "verifyEmail": _verify_email,
    "resendVerification": lambda stage, _: {"email": stage.unverified().email},
    "requestPasswordReset": lambda stage, _: {"email": stage.user_with_password().email},
    "resetPassword": _reset_password,
    "acceptInvitation": lambda stage, caller: {**_invitation(stage, caller), "password": PASSWORD},
    "revokeSession": _revoke_session,
    "changePassword": _change_password,
    "updateProfile": lambda stage, _: {"input": {"name": stage.word()}},
    "updateAccount": lambda stage, _: {"input": {"name": stage.word()}},
    "setAccountStatus": lambda stage, _: {"accountId": stage.tenant.public_id, "status": "SUSPENDED"},
    "transferOwnership": lambda stage, _: _of_new_user(stage),
    "changePlan": lambda stage, _: {"planId": stage.plan_for_all()},
    "adjustCredits": _adjust,
    "inviteUser": _invite,
    "resendInvitation": lambda stage, _: {"userId": stage.user(status="INVITED").public_id},
    "setUserRole": lambda stage, _: _of_new_user(stage, role="EDITOR"),
    "setUserStatus": lambda stage, _: _of_new_user(stage, status="DISABLED"),
    "deleteUser": lambda stage, _: {"userId": stage.user(status="DISABLED").public_id},
    "grantSiteAccess": lambda stage, _: _of_new_user(stage, siteIds=[stage.tenant.site("a")]),
    "revokeSiteAccess": lambda stage, _: {"userId": stage.granted("a"), "siteIds": [stage.tenant.site("a")]},
    "createSite": _create_site,
    "updateSite": _update_site,
    "deleteSite": lambda stage, _: {"id": stage.tenant.site("a"), "force": True},
    "createSector": _create_sector,
    "updateSector": lambda stage, _: {"input": {"id": stage.tenant.sector("a"), "name": stage.word()}},
    "deleteSector": lambda stage, _: {"id": stage.tenant.sector("a"), "force": True},
    "createKeywords": _create_keywords,
    "importKeywords": lambda stage, _: {
        "input": {"sectorId": stage.tenant.sector("a"), "csv": f"keyword\n{stage.word()}\n"}
    },
    "updateKeyword": lambda stage, _: {"input": {"id": stage.new_keyword(), "keyword": stage.word()}},
    "setKeywordsStatus": lambda stage, _: {"ids": [stage.new_keyword()], "status": "ARCHIVED"},
    "deleteKeywords": lambda stage, _: {"ids": [stage.new_keyword()]},
    "clusterKeywords": _cluster_keywords,
    "createUpload": lambda stage, _: {
        "siteId": stage.tenant.site("a"),
        "filename": f"{stage.word()}.csv",
        "mimeType": "text/csv",
        "bytes": 1_000,
    },
    "generateImagePrompts": lambda stage, _: {"input": {"contentIds": [stage.new_plain_content()], "replace": True}},
    "generateImages": lambda stage, _: {"input": {"imageIds": [stage.new_image()]}},
    "createImage": lambda stage, _: {
        "contentId": stage.id_of("con", stage.tenant, "a"),
        "imageType": "FEATURED",
        "prompt": stage.word(),
    },
    "updateImage": lambda stage, _: {"id": stage.new_image(), "prompt": stage.word()},
    "deleteImages": lambda stage, _: {"ids": [stage.new_image()]},
    "createCluster": _create_cluster,
    "updateCluster": lambda stage, _: {"input": {"id": stage.new_cluster(), "name": stage.word()}},
    "mergeClusters": lambda stage, _: {"ids": [stage.new_cluster()], "into": stage.new_cluster()},
    "addKeywordsToCluster": lambda stage, _: {"clusterId": stage.new_cluster(), "keywordIds": [stage.new_keyword()]},
    "removeKeywordsFromCluster": _remove_keywords,
    "deleteClusters": lambda stage, _: {"ids": [stage.new_cluster()]},
    "setClustersStatus": lambda stage, _: {"ids": [stage.new_cluster()], "status": "ARCHIVED"},
    "generateIdeas": _generate_ideas,
    "createIdea": _create_idea,
    "updateIdea": lambda stage, _: {"input": {"id": stage.new_idea(), "title": stage.word()}},
    "deleteIdeas": lambda stage, _: {"ids": [stage.new_idea()]},
    "setIdeasStatus": lambda stage, _: {"ids": [stage.new_idea()], "status": "ARCHIVED"},
    "createTasksFromIdeas": lambda stage, _: {"ideaIds": [stage.new_idea()]},
    "createTask": lambda stage, _: {"input": {"sectorId": stage.tenant.sector("a"), "title": stage.word()}},
    "updateTask": lambda stage, _: {"input": {"id": stage.new_task(), "title": stage.word()}},
    "deleteTasks": lambda stage, _: {"ids": [stage.new_task()]},
    "createContent": _create_content,
    "updateContent": lambda stage, _: {"input": {"id": stage.new_content(), "version": 1, "title": stage.word()}},
    "setContentStatus": lambda stage, _: {"ids": [stage.new_content()], "status": "REVIEW"},
    "restoreRevision": lambda stage, _: {"contentId": stage.new_content(), "version": 1},
    "deleteContents": lambda stage, _: {"ids": [stage.new_content()]},
    "generateContent": _generate_content,
    "exportRecords": lambda stage, _: {
        "input": {"type": "KEYWORDS", "format": "CSV", "keywordFilter": {"search": stage.word()}}
    },
    "cancelJob": lambda stage, _: {"id": stage.waiting_job()},
    "retryJob": lambda stage, _: {"id": stage.ended_job(stage.tenant, "a")},
    "saveAiPrompt": lambda stage, _: {"promptType": "IDEAS", "value": "{{data}} " + stage.word()},
    "resetAiPrompt": lambda stage, _: {"promptType": stage.saved_prompt()},
    "saveIntegrationSettings": lambda stage, _: {"input": {"integrationType": "OPENAI", "textModel": stage.word()}},
    "testIntegrationSettings": lambda stage, _: {"input": {"integrationType": stage.saved_settings()}},
    "deleteIntegrationSettings": lambda stage, _: {"integrationType": stage.saved_settings()},
    "createAuthorProfile": lambda stage, _: {"input": {"name": stage.word()}},
    "updateAuthorProfile": lambda stage, _: {"input": {"id": stage.new_author_profile(), "tone": stage.word()}},
    "deleteAuthorProfile": lambda stage, _: {"id": stage.new_author_profile()},
    "createStrategy": lambda stage, _: {"input": {"name": stage.word(), "sectorId": stage.tenant.sector("a")}},
    "updateStrategy": lambda stage, _: {
        "input": {"id": stage.new_strategy("a"), "name": stage.word(), "sectorId": stage.tenant.sector("a")}
    },
    "deleteStrategy": lambda stage, _: {"id": stage.new_strategy("a")},
}


def arguments_for(field: str, stage: Stage, caller: Caller) -> Arguments:
    made = ARGUMENTS.get(field)
    return made(stage, caller) if made else {}
