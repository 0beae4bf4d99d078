"""Agreement, in one place: of judges with people, of judges and of people with each other.

Coefficients for any ratings, their intervals, two judges of a panel, and HealthBench's
meta-evaluation. Who rated what, and tables of several figures, are in `stats.human`.
"""

from medcheck.stats.agreement.coefficients import (
    TRIVIAL_SHARE,
    Confusion,
    cohen_kappa,
    fleiss_kappa,
    gwet_ac1,
    icc,
    krippendorff_alpha,
    mcnemar,
    spearman,
    weighted_kappa,
)
from medcheck.stats.agreement.judges import (
    JudgePair,
    judge_pair,
)
from medcheck.stats.agreement.meta import (
    HEADLINE,
    MIN_LABELS,
    THEMES,
    MetaRow,
    Metric,
    ThemeAgreement,
    meta_metrics,
    model_metrics,
    official_metrics,
    physician_metrics,
    rows_of,
    sample_means,
    theme_agreement,
    theme_of,
)
from medcheck.stats.agreement.resampling import (
    cluster_bootstrap,
    cluster_draws,
    percentiles,
)

__all__ = [
    "HEADLINE",
    "MIN_LABELS",
    "THEMES",
    "TRIVIAL_SHARE",
    "Confusion",
    "JudgePair",
    "MetaRow",
    "Metric",
    "ThemeAgreement",
    "cluster_bootstrap",
    "cluster_draws",
    "cohen_kappa",
    "fleiss_kappa",
    "gwet_ac1",
    "icc",
    "judge_pair",
    "krippendorff_alpha",
    "mcnemar",
    "meta_metrics",
    "model_metrics",
    "official_metrics",
    "percentiles",
    "physician_metrics",
    "rows_of",
    "sample_means",
    "spearman",
    "theme_agreement",
    "theme_of",
    "weighted_kappa",
]
