"""What each attacker sees (RepObE, Fig. 3d–e), computed here on a sample."""

from __future__ import annotations

import streamlit as st

from pages.inversion import table
from pages.inversion.scene import Scene, sample_scene
from pages.results_views.common import choose, data_note
from pages.widgets.strings import t
from semcom_core import link, samples
from semcom_core.domains import DOMAINS

_FIGURES = {
    "digits": ("none", "ibal", "necst", "necst_dp_09", "repobe"),
    "objects": ("none", "vae", "jpeg2000", "repobe"),
}
_ALSO = ("rotation_fast", "cem", "diffsem")
"""Not in the figure; shown so that the comparison is not the paper's alone."""
_SUBJECTS = {"digits": ("3", "4"), "objects": ("ship", "horse")}
_SNR_DB = 11.0


def section() -> None:
    """The paper's subjects behind the paper's defenses, then ours."""
    st.markdown(t("results.pictures.intro", snr=f"{_SNR_DB:g}"))
    domains = [name for name in DOMAINS if "none" in link.trained_defenses(name) and _has_samples(name)]
    domain = choose("picture_domain", domains, t("controls.domain"), "domain")
    data_note(domain)
    titles = _titles(domain)
    key = f"results_sample_{domain}"
    if st.session_state.get(key) not in titles:
        st.session_state[key] = next(iter(titles))
    name = st.selectbox(
        t("lab_picture.picture"), list(titles), format_func=titles.__getitem__, key=key, help=t("help.sample")
    )
    scene: Scene = sample_scene(domain, name, _SNR_DB)
    trained = link.trained_defenses(domain)
    wanted = table.choose_attacks()
    for defense in (*_FIGURES.get(domain, ("none", "repobe")), *_ALSO):
        if defense in trained:
            table.draw(scene, defense, wanted)
        else:
            st.markdown(f"**{t(f'defense.{defense}.name')}** · {t('results.empty')}")
    st.caption(table.truth_note(scene))


def _has_samples(domain: str) -> bool:
    try:
        return bool(samples.samples(domain))
    except KeyError:
        return False


def _titles(domain: str) -> dict[str, str]:
    """The samples, those of the paper's subjects first."""
    classes = DOMAINS[domain].classes
    wanted = _SUBJECTS.get(domain, ())
    ours = [one for one in samples.samples(domain) if not one.foreign]

    def rank(one: samples.Sample) -> int:
        name = classes[one.label]
        return wanted.index(name) if name in wanted else len(wanted)

    return {one.key: one.title for one in sorted(ours, key=rank)}
