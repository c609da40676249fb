"""Mutations of clusters."""

import strawberry
from strawberry import ID, UNSET

from igny8.access import Permission
from igny8.gql import ids as public
from igny8.gql.arguments import id_list, kept, optional
from igny8.gql.context import Info
from igny8.gql.mutations import mutation
from igny8.gql.payloads import MutationPayload, row, rows
from igny8.planner import clusters, membership
from igny8.planner.graphql.types import Cluster
from igny8.planner.tables import ClusterStatus

WRITES = Permission.CONTENT_WRITE


@strawberry.input
class CreateClusterInput:
    sector_id: ID
    name: str = strawberry.field(description="Unique in its sector without regard to case.")
    description: str | None = UNSET
    keyword_ids: list[ID] | None = strawberry.field(default=UNSET, description="At most 1,000 of the sector.")


@strawberry.input(description="What is left out stays as it is; null clears.")
class UpdateClusterInput:
    id: ID
    name: str | None = UNSET
    description: str | None = UNSET
    status: ClusterStatus | None = strawberry.field(
        default=UNSET, description="ARCHIVED, or back to what follows from its ideas: NEW without, MAPPED with any."
    )
    locked: bool | None = UNSET


@strawberry.type
class CreateClusterPayload(MutationPayload):
    cluster: Cluster | None = None


@strawberry.type
class UpdateClusterPayload(MutationPayload):
    cluster: Cluster | None = None


@strawberry.type
class MergeClustersPayload(MutationPayload):
    cluster: Cluster | None = None


@strawberry.type
class AddKeywordsToClusterPayload(MutationPayload):
    cluster: Cluster | None = None


@strawberry.type
class RemoveKeywordsFromClusterPayload(MutationPayload):
    cluster: Cluster | None = None


@strawberry.type
class DeleteClustersPayload(MutationPayload):
    deleted_ids: list[ID] | None = None


@strawberry.type
class SetClustersStatusPayload(MutationPayload):
    clusters: list[Cluster] | None = None


@strawberry.type
class ClusterMutation:
    @mutation(need=WRITES)
    async def create_cluster(self, info: Info, input: CreateClusterInput) -> CreateClusterPayload:
        sector_id = public.given("sec", input.sector_id, "input", "sectorId")
        keyword_ids = id_list("key", optional(input.keyword_ids), "input", "keywordIds")
        async with info.context.writing() as write:
            cluster_id = await clusters.create(
                write.session,
                write.viewer.account_id,
                sector_id=sector_id,
                name=input.name,
                description=optional(input.description),
                keyword_ids=keyword_ids,
            )
            return write.answered(CreateClusterPayload(cluster=row(cluster_id)))

    @mutation(need=WRITES)
    async def update_cluster(self, info: Info, input: UpdateClusterInput) -> UpdateClusterPayload:
        cluster_id = public.given("clu", input.id, "input", "id")
        async with info.context.writing() as write:
            await clusters.update(
                write.session,
                write.viewer.account_id,
                cluster_id,
                name=kept(input.name),
                description=kept(input.description),
                status=kept(input.status),
                locked=kept(input.locked),
            )
            return write.answered(UpdateClusterPayload(cluster=row(cluster_id)))

    @mutation(
        need=WRITES,
        description="Let the cluster `into` take over the keywords of others of its sector, and what was made of"
        " them; the others are deleted.",
    )
    async def merge_clusters(self, info: Info, ids: list[ID], into: ID) -> MergeClustersPayload:
        others, stays = id_list("clu", ids, "ids"), public.given("clu", into, "into")
        async with info.context.writing() as write:
            await membership.merge(write.session, write.viewer.account_id, others, stays)
            return write.answered(MergeClustersPayload(cluster=row(stays)))

    @mutation(need=WRITES, description="At most 1,000 keywords of the cluster's sector; those that are in it stay.")
    async def add_keywords_to_cluster(
        self, info: Info, cluster_id: ID, keyword_ids: list[ID]
    ) -> AddKeywordsToClusterPayload:
        to, given = public.given("clu", cluster_id, "clusterId"), id_list("key", keyword_ids, "keywordIds")
        async with info.context.writing() as write:
            await membership.add(write.session, write.viewer.account_id, to, given)
            return write.answered(AddKeywordsToClusterPayload(cluster=row(to)))

    @mutation(need=WRITES, description="The keywords stay in the sector, and in their other clusters.")
    async def remove_keywords_from_cluster(
        self, info: Info, cluster_id: ID, keyword_ids: list[ID]
    ) -> RemoveKeywordsFromClusterPayload:
        of, given = public.given("clu", cluster_id, "clusterId"), id_list("key", keyword_ids, "keywordIds")
        async with info.context.writing() as write:
            await membership.remove(write.session, write.viewer.account_id, of, given)
            return write.answered(RemoveKeywordsFromClusterPayload(cluster=row(of)))

    @mutation(
        need=WRITES,
        description="At most 1,000 of one site. Keywords stay; ideas, tasks and contents refuse it, or stay without"
        " their cluster with `force`.",
    )
    async def delete_clusters(self, info: Info, ids: list[ID], force: bool | None = None) -> DeleteClustersPayload:
        given = id_list("clu", ids, "ids")
        async with info.context.writing() as write:
            await clusters.delete(write.session, write.viewer.account_id, given, force=bool(force))
            return write.answered(DeleteClustersPayload(deleted_ids=[ID(public.show("clu", id_)) for id_ in given]))

    @mutation(
        need=WRITES,
        description="ARCHIVED, or back to what follows from their ideas: NEW without, MAPPED with any. At most 1,000"
        " of one site.",
    )
    async def set_clusters_status(self, info: Info, ids: list[ID], status: ClusterStatus) -> SetClustersStatusPayload:
        given = id_list("clu", ids, "ids")
        async with info.context.writing() as write:
            await clusters.set_status(write.session, write.viewer.account_id, given, status)
            return write.answered(SetClustersStatusPayload(clusters=rows(given)))
