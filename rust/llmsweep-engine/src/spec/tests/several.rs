//! Axes whose values are any of several names.
use super::*;
use crate::spec::AxisValue;

const RUN: &str = "schema = 1\nphase = \"training\"\n[axes]\nmodel = \"deepseek-v3\"\naccelerator = \"mi300x\"\ndevices = 8\nglobal_batch = 8\n";

fn shown(spec: &Spec, axis: &str) -> Vec<String> {
    let axis = spec.axes.iter().find(|values| values.axis.name == axis).expect("an axis of the phase");
    axis.values.iter().map(AxisValue::to_string).collect()
}

/// A choice of several names has one spelling, whatever the order.
#[test]
fn choices_of_several_names_are_put_in_order() {
    let spec = decode(&format!("{RUN}recompute_modules = [\"moe+norm + scores\", \"none\"]")).expect("right");
    assert_eq!(shown(&spec, "recompute_modules"), ["scores+norm+moe", "none"]);
    let silent = decode(RUN).expect("right");
    assert_eq!(shown(&silent, "recompute_modules"), ["scores+norm+activation"]);
    assert_eq!(shown(&silent, "offload"), ["none"]);
}

#[test]
fn choices_of_several_names() {
    const MODULES: &str = "scores, attention, norm, activation, latent_up, mlp, moe, mlp_up";
    for (line, sentence) in [
        (
            "recompute_modules = \"norm+actvation\"",
            format!("s.toml:8:21: unknown recompute_modules \"actvation\"; did you mean \"activation\"?; allowed: none, {MODULES}"),
        ),
        ("recompute_modules = \"\"", format!("s.toml:8:21: unknown recompute_modules \"\"; allowed: none, {MODULES}")),
        (
            "recompute_modules = \"none+norm\"",
            format!("s.toml:8:21: recompute_modules is \"none\" or some of {MODULES}, not both as in \"none+norm\""),
        ),
        (
            "recompute_modules = \"norm+norm\"",
            "s.toml:8:21: recompute_modules names \"norm\" twice in \"norm+norm\"".to_owned(),
        ),
        (
            "recompute_modules = [\"norm+mlp\", \"mlp+norm\"]",
            "s.toml:8:34: recompute_modules has the value \"norm+mlp\" twice, first at s.toml:8:22".to_owned(),
        ),
        (
            "offload = true",
            "s.toml:8:11: offload must be \"none\" or any of optimizer, activations, joined by +, not \"true\"".to_owned(),
        ),
        ("lora_rank = 0", "s.toml:8:13: lora_rank must be a whole number from 1 to 1,000,000, not \"0\"".to_owned()),
        (
            "training_mode = \"lorra\"",
            "s.toml:8:17: unknown training_mode \"lorra\"; did you mean \"lora\"?; allowed: pretraining, full_finetuning, lora, qlora"
                .to_owned(),
        ),
    ] {
        let error = decode(&format!("{RUN}{line}")).expect_err(line);
        assert_eq!(error.to_string(), sentence, "{line}");
    }
}
