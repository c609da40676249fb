"""Who may use what: the table to review. The tests beside it call every cell for real.

Columns, a letter each:

    -        nobody signed in
    V E A O  viewer, editor, admin and owner of an account
    B D      system bot and developer, acting on that account by the header X-Igny8-Account
    b d      the same two without the header; what is about their own sign-in happens at home with it, too

Cells:

    y  is answered
    .  UNAUTHENTICATED
    F  FORBIDDEN: the role lacks what the field needs
    H  BAD_REQUEST that asks for the header

Ids: `siteId=sit` is an argument that takes site ids (`*`: a list of them), `.siteId` a part of the filter. An id of
another account, one of a site that was not granted, and one that does not exist are answered alike: a read by null or
an empty page, a mutation by NOT_FOUND at that argument. `any` takes ids of every kind; plans (pln), industries (ind)
and industry sectors (ins) belong to no account. `!`: operators without the header reach every account by it.
"""

from dataclasses import dataclass

COLUMNS = "-VEAOBDbd"

QUERIES = """
    field                 need             - V E A O B D b d   ids
    viewer                SIGNED_IN        . y y y y y y y y
    account               CONTENT_READ     . y y y y y y y y   id=acc!
    accounts              SYSTEM_ADMIN     . F F F F F y F y
    sessions              SIGNED_IN        . y y y y y y y y
    industries            PUBLIC           y y y y y y y y y
    plans                 PUBLIC           y y y y y y y y y
    invitation            PUBLIC           y y y y y y y y y
    users                 USERS_MANAGE     . F F y y F y F H   .ids=usr* .siteId=sit*
    sites                 CONTENT_READ     . y y y y y y H H   .ids=sit* .industryId=ind
    site                  CONTENT_READ     . y y y y y y H H   id=sit
    sectors               CONTENT_READ     . y y y y y y H H   .ids=sec* .siteId=sit*
    keywords              CONTENT_READ     . y y y y y y H H   .ids=key* .siteId=sit* .sectorId=sec* .clusterId=clu*
    clusters              CONTENT_READ     . y y y y y y H H   .ids=clu* .siteId=sit* .sectorId=sec*
    ideas                 CONTENT_READ     . y y y y y y H H   .ids=ide* .siteId=sit* .sectorId=sec* .clusterId=clu*
    tasks                 CONTENT_READ     . y y y y y y H H   .ids=tsk* .siteId=sit* .sectorId=sec* .clusterId=clu*
                                                              .ideaId=ide*
    contents              CONTENT_READ     . y y y y y y H H   .ids=con* .siteId=sit* .sectorId=sec* .clusterId=clu*
                                                              .taskId=tsk* .ideaId=ide* .authorProfileId=aut*
    content               CONTENT_READ     . y y y y y y H H   id=con siteId=sit
    images                CONTENT_READ     . y y y y y y H H   .ids=img* .siteId=sit* .contentId=con* .taskId=tsk*
    aiPrompts             SETTINGS_MANAGE  . F F y y y y H H
    aiPromptPreview       SETTINGS_MANAGE  . F F y y y y H H   subjectId=any
    integrationSettings   SETTINGS_MANAGE  . F F y y y y H H
    authorProfiles        CONTENT_READ     . y y y y y y H H
    strategies            CONTENT_READ     . y y y y y y H H   sectorId=sec
    systemStatus          SIGNED_IN        . y y y y y y y y
    aiModels              SIGNED_IN        . y y y y y y y y
    estimateCredits       CONTENT_WRITE    . F y y y y y H H   input.ids=key* input.sectorId=sec
    creditTransactions    BILLING_READ     . F F y y F y F H
    creditUsageLogs       BILLING_READ     . F F y y F y F H   .siteId=sit
    usageSummary          BILLING_READ     . F F y y F y F H
    creditCosts           SIGNED_IN        . y y y y y y y y
    job                   CONTENT_READ     . y y y y y y H H   id=job
    jobs                  CONTENT_READ     . y y y y y y H H   .ids=job* .siteId=sit* .subjectId=any* .startedById=usr*
    node                  SIGNED_IN        . y y y y y y H H   id=any
    nodes                 SIGNED_IN        . y y y y y y H H   ids=any*
"""

MUTATIONS = """
    field                 need             - V E A O B D b d   ids
    signUp                PUBLIC           y y y y y y y y y
    signIn                PUBLIC           y y y y y y y y y
    refreshToken          PUBLIC           y y y y y y y y y
    verifyEmail           PUBLIC           y y y y y y y y y
    resendVerification    PUBLIC           y y y y y y y y y
    requestPasswordReset  PUBLIC           y y y y y y y y y
    resetPassword         PUBLIC           y y y y y y y y y
    acceptInvitation      PUBLIC           y y y y y y y y y
    signOut               SIGNED_IN        . y y y y y y y y
    revokeSession         SIGNED_IN        . y y y y y y y y   id=ses
    changePassword        SIGNED_IN        . y y y y y y y y
    updateProfile         SIGNED_IN        . y y y y y y y y
    updateAccount         ACCOUNT_MANAGE   . F F F y F y F H
    setAccountStatus      SYSTEM_ADMIN     . F F F F F y F y   accountId=acc!
    transferOwnership     ACCOUNT_MANAGE   . F F F y F y F H   userId=usr
    changePlan            BILLING_MANAGE   . F F F y F y F H   planId=pln
    adjustCredits         SYSTEM_ADMIN     . F F F F F y F y   accountId=acc!
    inviteUser            USERS_MANAGE     . F F y y F y F H   input.siteIds=sit*
    resendInvitation      USERS_MANAGE     . F F y y F y F H   userId=usr
    setUserRole           USERS_MANAGE     . F F y y F y F H   userId=usr
    setUserStatus         USERS_MANAGE     . F F y y F y F H   userId=usr
    deleteUser            USERS_MANAGE     . F F y y F y F H   userId=usr
    grantSiteAccess       USERS_MANAGE     . F F y y F y F H   userId=usr siteIds=sit*
    revokeSiteAccess      USERS_MANAGE     . F F y y F y F H   userId=usr siteIds=sit*
    createSite            SITES_MANAGE     . F F y y y y H H   input.industryId=ind
    updateSite            SITES_MANAGE     . F F y y y y H H   input.id=sit input.industryId=ind
    deleteSite            SITES_MANAGE     . F F y y y y H H   id=sit
    createSector          SITES_MANAGE     . F F y y y y H H   input.siteId=sit input.industrySectorId=ins
    updateSector          SITES_MANAGE     . F F y y y y H H   input.id=sec
    deleteSector          SITES_MANAGE     . F F y y y y H H   id=sec
    createKeywords        CONTENT_WRITE    . F y y y y y H H   input.sectorId=sec
    importKeywords        CONTENT_WRITE    . F y y y y y H H   input.sectorId=sec input.uploadId=upl
    updateKeyword         CONTENT_WRITE    . F y y y y y H H   input.id=key input.sectorId=sec
    setKeywordsStatus     CONTENT_WRITE    . F y y y y y H H   ids=key*
    deleteKeywords        CONTENT_WRITE    . F y y y y y H H   ids=key*
    clusterKeywords       CONTENT_WRITE    . F y y y y y H H   input.keywordIds=key* input.sectorId=sec
    createUpload          CONTENT_WRITE    . F y y y y y H H   siteId=sit
    generateImagePrompts  CONTENT_WRITE    . F y y y y y H H   input.contentIds=con*
    generateImages        CONTENT_WRITE    . F y y y y y H H   input.imageIds=img*
    createImage           CONTENT_WRITE    . F y y y y y H H   contentId=con uploadId=upl
    updateImage           CONTENT_WRITE    . F y y y y y H H   id=img
    deleteImages          CONTENT_WRITE    . F y y y y y H H   ids=img*
    exportRecords         CONTENT_READ     . y y y y y y H H   input.siteId=sit
                                                              input.keywordFilter.ids=key*
                                                              input.keywordFilter.siteId=sit*
                                                              input.keywordFilter.sectorId=sec*
                                                              input.keywordFilter.clusterId=clu*
                                                              input.contentFilter.ids=con*
                                                              input.contentFilter.siteId=sit*
                                                              input.contentFilter.sectorId=sec*
                                                              input.contentFilter.clusterId=clu*
                                                              input.contentFilter.taskId=tsk*
                                                              input.contentFilter.ideaId=ide*
                                                              input.contentFilter.authorProfileId=aut*
    createCluster         CONTENT_WRITE    . F y y y y y H H   input.sectorId=sec input.keywordIds=key*
    updateCluster         CONTENT_WRITE    . F y y y y y H H   input.id=clu
    mergeClusters         CONTENT_WRITE    . F y y y y y H H   ids=clu* into=clu
    addKeywordsToCluster  CONTENT_WRITE    . F y y y y y H H   clusterId=clu keywordIds=key*
    removeKeywordsFromCluster CONTENT_WRITE . F y y y y y H H  clusterId=clu keywordIds=key*
    deleteClusters        CONTENT_WRITE    . F y y y y y H H   ids=clu*
    setClustersStatus     CONTENT_WRITE    . F y y y y y H H   ids=clu*
    generateIdeas         CONTENT_WRITE    . F y y y y y H H   input.clusterIds=clu* input.strategyId=str
    createIdea            CONTENT_WRITE    . F y y y y y H H   input.sectorId=sec input.clusterId=clu
                                                              input.keywordIds=key*
    updateIdea            CONTENT_WRITE    . F y y y y y H H   input.id=ide input.clusterId=clu
                                                              input.keywordIds=key*
    deleteIdeas           CONTENT_WRITE    . F y y y y y H H   ids=ide*
    setIdeasStatus        CONTENT_WRITE    . F y y y y y H H   ids=ide*
    createTasksFromIdeas  CONTENT_WRITE    . F y y y y y H H   ideaIds=ide* authorProfileId=aut strategyId=str
    createTask            CONTENT_WRITE    . F y y y y y H H   input.sectorId=sec input.clusterId=clu input.ideaId=ide
                                                              input.keywordIds=key* input.authorProfileId=aut
                                                              input.strategyId=str
    updateTask            CONTENT_WRITE    . F y y y y y H H   input.id=tsk input.clusterId=clu input.ideaId=ide
                                                              input.keywordIds=key* input.authorProfileId=aut
                                                              input.strategyId=str
    deleteTasks           CONTENT_WRITE    . F y y y y y H H   ids=tsk*
    createContent         CONTENT_WRITE    . F y y y y y H H   input.sectorId=sec input.clusterId=clu input.taskId=tsk
                                                              input.authorProfileId=aut
    updateContent         CONTENT_WRITE    . F y y y y y H H   input.id=con input.sectorId=sec input.clusterId=clu
                                                              input.authorProfileId=aut
    setContentStatus      CONTENT_WRITE    . F y y y y y H H   ids=con*
    restoreRevision       CONTENT_WRITE    . F y y y y y H H   contentId=con
    deleteContents        CONTENT_WRITE    . F y y y y y H H   ids=con*
    generateContent       CONTENT_WRITE    . F y y y y y H H   input.taskIds=tsk* input.authorProfileId=aut
    cancelJob             CONTENT_WRITE    . F y y y y y H H   id=job
    retryJob              CONTENT_WRITE    . F y y y y y H H   id=job
    saveAiPrompt          SETTINGS_MANAGE  . F F y y y y H H
    resetAiPrompt         SETTINGS_MANAGE  . F F y y y y H H
    saveIntegrationSettings SETTINGS_MANAGE . F F y y y y H H
    testIntegrationSettings SETTINGS_MANAGE . F F y y y y H H
    deleteIntegrationSettings SETTINGS_MANAGE . F F y y y y H H
    createAuthorProfile   SETTINGS_MANAGE  . F F y y y y H H
    updateAuthorProfile   SETTINGS_MANAGE  . F F y y y y H H   input.id=aut
    deleteAuthorProfile   SETTINGS_MANAGE  . F F y y y y H H   id=aut
    createStrategy        SETTINGS_MANAGE  . F F y y y y H H   input.sectorId=sec
    updateStrategy        SETTINGS_MANAGE  . F F y y y y H H   input.id=str input.sectorId=sec
    deleteStrategy        SETTINGS_MANAGE  . F F y y y y H H   id=str
"""

#: Types of rows and what reading them takes, by whatever path.
TYPES = {
    "AIPrompt": "SETTINGS_MANAGE",
    "AIPromptVersion": "SETTINGS_MANAGE",
    "Account": "CONTENT_READ",
    "AccountSubscription": "CONTENT_READ",
    "AuthorProfile": "CONTENT_READ",
    "Cluster": "CONTENT_READ",
    "Content": "CONTENT_READ",
    "ContentIdea": "CONTENT_READ",
    "ContentRevision": "CONTENT_READ",
    "CreditTransaction": "BILLING_READ",
    "CreditUsageLog": "BILLING_READ",
    "GenerationRecord": "CONTENT_READ",
    "Image": "CONTENT_READ",
    "Industry": "PUBLIC",
    "IndustrySector": "PUBLIC",
    "IntegrationSettings": "SETTINGS_MANAGE",
    "Job": "CONTENT_READ",
    "JobEvent": "CONTENT_READ",
    "JobItem": "CONTENT_READ",
    "Keyword": "CONTENT_READ",
    "Plan": "PUBLIC",
    "Sector": "CONTENT_READ",
    "SeedKeyword": "PUBLIC",
    "Session": "SIGNED_IN",
    "Site": "CONTENT_READ",
    "SiteUserAccess": "USERS_MANAGE",
    "Strategy": "CONTENT_READ",
    "Task": "CONTENT_READ",
    "User": "CONTENT_READ",
    "Viewer": "SIGNED_IN",
}

#: Fields that are stricter than their type: null without an error for those who lack the permission.
NULL_WITHOUT = {
    "Account.creditsAvailable": "BILLING_READ",
    "Account.creditsBalance": "BILLING_READ",
    "Account.creditsHeld": "BILLING_READ",
    "Account.limits": "BILLING_READ",
    "Account.users": "USERS_MANAGE",
    "GenerationRecord.costUsd": "BILLING_READ",
    "Image.costUsd": "BILLING_READ",
    "Job.costUsd": "BILLING_READ",
    "Site.access": "USERS_MANAGE",
    "Site.user": "USERS_MANAGE",
    "User.email": "USERS_MANAGE",
    "User.emailVerified": "USERS_MANAGE",
    "User.lastSignedInAt": "USERS_MANAGE",
    "User.siteAccess": "USERS_MANAGE",
}

#: Fields that are stricter than their type and never null: false for those who lack the permission.
FALSE_WITHOUT = {"Job.costIncomplete": "BILLING_READ"}

#: Fields below the root that take an id, and the kind of it.
NESTED_IDS = {
    "Site.cluster": "clu",
    "Site.idea": "ide",
    "Site.image": "img",
    "Site.keyword": "key",
    "Site.sector": "sec",
    "Site.task": "tsk",
    "Site.user": "usr",
}

#: Work in accounts that are suspended or cancelled: they only guard the user's own sign-in, or hand out what can be read.
WHILE_SUSPENDED = {"signOut", "revokeSession", "changePassword", "exportRecords"}

#: Mutations that take no Idempotency-Key, and why a client that lost the answer may send them again.
WITHOUT_KEY = {
    "signUp": "nobody is signed in: a second account is harmless, and answers never tell whether one is there",
    "signIn": "a second session is harmless",
    "refreshToken": "a token that is sent again within 30 s gets the same successor",
    "verifyEmail": "the token works once",
    "resendVerification": "a second mail replaces the first one",
    "requestPasswordReset": "a second mail replaces the first one",
    "resetPassword": "the token works once",
    "acceptInvitation": "the token works once",
}


@dataclass(frozen=True)
class IdArgument:
    """An argument that takes ids: its path, the kind, and whether it is a list."""

    path: tuple[str, ...]
    kind: str
    several: bool
    reaches_all: bool

    @property
    def fault(self) -> list[str]:
        """Where a mutation says that the fault is."""
        return [*self.path, "0"] if self.several else list(self.path)


@dataclass(frozen=True)
class Rule:
    """One line of the table."""

    operation: str
    field: str
    need: str
    cells: dict[str, str]
    ids: tuple[IdArgument, ...]

    @property
    def answered(self) -> list[str]:
        """The columns that may."""
        return [column for column, cell in self.cells.items() if cell == "y"]


def _rules(operation: str, table: str) -> list[Rule]:
    lines: list[list[str]] = []
    for line in table.strip().splitlines()[1:]:
        words = line.split()
        if "=" in words[0]:  # the rest of the line above
            lines[-1] += words
        else:
            lines.append(words)
    width = 2 + len(COLUMNS)
    return [
        Rule(
            operation,
            words[0],
            words[1],
            dict(zip(COLUMNS, words[2:width], strict=True)),
            tuple(_id_argument(word) for word in words[width:]),
        )
        for words in lines
    ]


def _id_argument(word: str) -> IdArgument:
    path, _, kind = word.partition("=")
    path = f"filter{path}" if path.startswith(".") else path
    return IdArgument(tuple(path.split(".")), kind.rstrip("*!"), kind.endswith("*"), kind.endswith("!"))


RULES = [*_rules("query", QUERIES), *_rules("mutation", MUTATIONS)]
