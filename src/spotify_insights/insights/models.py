"""Written insights, each with everything that made it."""

from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from spotify_insights.database.table import CreatedAt, Id, Table


class GeneratedInsight(Table):
    """One version of one insight. It is never edited: new content is a new row that supersedes it."""

    __tablename__ = "generated_insights"

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    snapshot_id: Mapped[UUID] = mapped_column(ForeignKey("listening_snapshots.id", ondelete="CASCADE"))
    insight_type: Mapped[str]
    tone_mode: Mapped[str]
    time_range: Mapped[str]
    locale: Mapped[str]
    llm_model: Mapped[str]
    prompt_version: Mapped[str]
    schema_version: Mapped[str]
    snapshot_hash: Mapped[str]
    fingerprint: Mapped[str]
    content: Mapped[str]
    structured: Mapped[dict[str, object]]
    generation_ms: Mapped[int]
    input_tokens: Mapped[int] = mapped_column(server_default="0")
    output_tokens: Mapped[int] = mapped_column(server_default="0")
    cost_usd: Mapped[Decimal] = mapped_column(Numeric(12, 6), server_default="0")
    version: Mapped[int] = mapped_column(server_default="1")
    superseded_by: Mapped[UUID | None] = mapped_column(
        ForeignKey("generated_insights.id", ondelete="SET NULL")
    )
    created_at: Mapped[CreatedAt]

    __table_args__ = (
        UniqueConstraint("user_id", "fingerprint"),
        CheckConstraint(
            "insight_type IN ('wellness', 'roast', 'productivity', 'weekly')", name="insight_type_known"
        ),
        CheckConstraint(
            "tone_mode IN ('neutral', 'supportive', 'playful', 'direct')", name="tone_mode_known"
        ),
        CheckConstraint("generation_ms >= 0", name="generation_time_not_negative"),
        Index("ix_generated_insights_newest", "user_id", text("id DESC")),
        Index("ix_generated_insights_snapshot", "snapshot_id"),
        Index(
            "ix_generated_insights_superseded_by",
            "superseded_by",
            postgresql_where=text("superseded_by IS NOT NULL"),
        ),
    )
