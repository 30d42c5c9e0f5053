"""The leakage audit: what could have leaked, what was done about it, what leakage would score."""

from __future__ import annotations

from typing import Any

import pandas as pd

from src.evaluation.planted import labels_found, pairs_found
from src.evaluation.row_predictions import HONEST, LEAKY

_RULES = {
    "same file": "the same photo, byte by byte",
    "photo": "similar photos (perceptual hash) and matching texts",
    "text": "similar texts (word 3-grams)",
    "seller": "the same seller and title",
}
_TOGETHER = {
    "near_duplicates": "near-duplicates",
    "seller": "all listings of a seller, and near-duplicates,",
}
# Counts of listings, and of how many of all.
_SHARED = {
    "same_file": ("the photo file", "photos"),
    "similar_photo": ("a similar photo", "photos"),
    "similar_text": ("a similar text", "texts"),
    "same_seller": ("another listing of the seller", "sellers"),
}


def audit(
    table: pd.DataFrame,
    notes: dict[str, Any],
    scores: dict[str, dict[str, Any]],
    suspected: int,
    checked: int,
) -> dict[str, Any]:
    """Gather the audit's numbers.

    Args:
        table: the prepared listings.
        notes: what preparing them counted.
        scores: of every row, the leaky one too, by row.
        suspected, checked: how many listings probably have a wrong label, and of how many.

    Returns:
        Sections of numbers: duplicates, random_split, split, overlap, leaky, label_errors.
    """
    splits = table.groupby("group")["split"].nunique()
    return {
        "duplicates": notes["duplicates"],
        "random_split": notes["random_split"],
        "split": {
            "kind": notes["split"],
            "group_by": notes["group_by"],
            "groups": len(splits),
            "groups_crossing": int((splits > 1).sum()),
        },
        "overlap": notes["overlap"],
        "leaky": _leaky(scores),
        "label_errors": {"looked_at": checked, "suspected": suspected},
    }


def audit_planted(
    table: pd.DataFrame,
    truth: pd.DataFrame,
    suspected: pd.DataFrame,
    checked: pd.Series,
    group_by: str,
) -> dict[str, Any]:
    """Return precision and recall of the near-duplicates and wrong labels that were found.

    Groups of sellers are no near-duplicates; then those are left out.

    Args:
        table: the prepared listings.
        truth: what the demo planted, with id, group and the true category.
        suspected: listings of a probably wrong label.
        checked: ids of the listings that were checked for that.
        group_by: near_duplicates or seller.
    """
    known = truth.set_index("id")
    # Compared now, as people may have corrected some of the planted labels.
    label = table.set_index("id")["category"].loc[checked].to_numpy(dtype=object)
    wrong = label != known["category"].loc[checked].to_numpy(dtype=object)
    labels = labels_found(suspected["id"].to_numpy(dtype=str), checked.to_numpy(dtype=str), wrong)
    found: dict[str, Any] = {"wrong_labels": labels._asdict() | {"planted": int(wrong.sum())}}
    if group_by == "near_duplicates":
        groups = known["group"].loc[table["id"]].to_numpy(dtype=object)
        pairs = pairs_found(table["group"].to_numpy(dtype=object), groups)
        found["duplicate_pairs"] = pairs._asdict()
    return found


def audit_markdown(found: dict[str, Any]) -> str:
    """Return the audit as Markdown.

    Args:
        found: of `audit`; with that of `audit_planted` as `planted` where the truth is known.
    """
    duplicates, random, leaky = found["duplicates"], found["random_split"], found["leaky"]
    split, errors = found["split"], found["label_errors"]
    lines = [
        "# Leakage audit",
        "",
        "## Near-duplicates",
        "",
        f"Groups of near-duplicates: {duplicates['groups']}, with {duplicates['listings']} "
        f"listings; the largest group has {duplicates['largest']}. Each rule is counted on its "
        "own: the fewest links that connect the groups it finds.",
        "",
        "| rule | links |",
        "| --- | --- |",
        *(f"| {_RULES[rule]} | {count} |" for rule, count in duplicates["links"].items()),
        "",
        f"Pairs of near-duplicates: {random['pairs']}. A stratified split of the same sizes that "
        f"ignores groups would put {random['pairs_crossing']} of them into different splits, and "
        f"{random['test_listings_with_twin_in_train_or_val']} of the "
        f"{random['test_listings']} test listings would have a near-duplicate in train or val. "
        f"The split here is {split['kind']}, and {_TOGETHER[split['group_by']]} stay together: "
        f"{split['groups_crossing']} of {split['groups']} groups are divided.",
        "",
        *_overlap_markdown(found["overlap"]),
        "## What leakage scores",
        "",
        f"{LEAKY} is scored on a random split made after the encoders were fitted: "
        f"they were fitted on {leaky['share_seen']:.1%} of its {leaky['n']} test listings. With f "
        "as the share of seen listings,",
        "",
        "    accuracy = f * (accuracy on seen listings) + (1 - f) * (honest accuracy)",
        "",
    ]
    if "accuracy_predicted" in leaky:
        lines += [
            f"    {leaky['accuracy_predicted']:.3f} = {leaky['share_seen']:.3f} * "
            f"{leaky['accuracy_seen']:.3f} + {1 - leaky['share_seen']:.3f} * "
            f"{leaky['accuracy_honest']:.3f}",
            "",
            f"where the honest accuracy is that of {HONEST}, the same head with the same settings "
            f"on the test split. Measured: {leaky['accuracy']:.3f} (95% confidence interval "
            f"{leaky['accuracy_low']:.3f} to {leaky['accuracy_high']:.3f}).",
            "",
        ]
    lines += [
        "## Labels",
        "",
        f"Listings that confident learning suspects of a wrong category: {errors['suspected']} of "
        f"{errors['looked_at']} (data/evaluation/label_errors.parquet). Where categories overlap, "
        "many of these labels are right. No score leaves them out.",
        "",
    ]
    if "planted" in found:
        planted = found["planted"]
        names = {
            "duplicate_pairs": "pairs of near-duplicates",
            "wrong_labels": f"wrong labels ({planted['wrong_labels']['planted']})",
        }
        lines += [
            "## Compared with what the demo planted",
            "",
            "| | precision | recall |",
            "| --- | --- | --- |",
            *(
                f"| {name} | {planted[key]['precision']:.3f} | {planted[key]['recall']:.3f} |"
                for key, name in names.items()
                if key in planted
            ),
            "",
        ]
    return "\n".join(lines)


def _overlap_markdown(overlap: dict[str, dict[str, Any]]) -> list[str]:
    """Lines on what test listings share with train and val, by a random split and by this one."""
    splits = (overlap["random_split"], overlap["split"])
    lines = [
        "## What test listings share with train and val",
        "",
        "Measured over all listings, whatever their groups. In cross-validation every listing is "
        "tested, and the others are those of other folds.",
        "",
        "| of the test listings, in train or val there is | random split | this split |",
        "| --- | --- | --- |",
    ]
    for key, (name, of) in _SHARED.items():
        counts = [
            f"{one[key]} of {one[of]} ({one[key] / one[of]:.1%})" if one[of] else "–"
            for one in splits
        ]
        lines.append(f"| {name} | {counts[0]} | {counts[1]} |")
    for quantile, name in (("median", "median"), ("p90", "90%"), ("p99", "99%")):
        values = [f"{one['nearest_text'][quantile]:.2f}" for one in splits]
        lines.append(f"| similarity to the nearest text, {name} | {values[0]} | {values[1]} |")
    return [
        *lines,
        "",
        "Similar by the same measures as near-duplicates: perceptual hashes, and the Jaccard "
        "similarity of word 3-grams. The shares need not be 0: similar photos without matching "
        "texts make no near-duplicates, nor do passages that many listings repeat (a shop's "
        "terms), nor a photo under more than 20 listings (a placeholder), except for one seller "
        "and category.",
        "",
    ]


def _leaky(scores: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Pick the leaky row's scores, and predict its accuracy from that of the honest row."""
    leaky = scores[LEAKY]
    names = ("n", "accuracy", "accuracy_low", "accuracy_high", "share_seen")
    found = {name: leaky[name] for name in names}
    honest = scores.get(HONEST)
    if honest is not None and "accuracy_seen" in leaky:
        seen, f = leaky["accuracy_seen"], leaky["share_seen"]
        found["accuracy_seen"] = seen
        found["accuracy_honest"] = honest["accuracy"]
        found["accuracy_predicted"] = round(f * seen + (1 - f) * honest["accuracy"], 6)
    return found
