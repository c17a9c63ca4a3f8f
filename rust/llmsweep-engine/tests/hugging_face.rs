//! Published configurations become catalogue entries whose parameters recount to the published totals.
use llmsweep_engine::catalog::ModelEntry;
use llmsweep_engine::catalog::hugging_face::toml_from_config;
use llmsweep_engine::document::parse_toml;
use llmsweep_engine::node::Value;
use llmsweep_model::arch::{Attention, MixerKind, MlpKind, SoftmaxAttention};

fn read(config: &str, id: &str) -> ModelEntry {
    let text = toml_from_config(config, id).expect("the configuration reads");
    let document = parse_toml("entry.toml", &text).expect("the entry is TOML");
    let Value::Table(entries) = document.value else { panic!("a table") };
    let Value::Array(models) = &entries[0].node.value else { panic!("a list") };
    ModelEntry::decode(&models[0]).expect("the entry decodes")
}

#[track_caller]
fn recounts(config: &str, published: f64) -> ModelEntry {
    let entry = read(config, "test");
    let count = entry.shape.parameters();
    assert!((count - published).abs() < 0.5, "{count} is not {published}");
    entry
}

#[track_caller]
fn refuses(config: &str, words: &str) {
    let error = toml_from_config(config, "test").expect_err("the configuration is wrong").to_string();
    assert!(error.contains(words), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
}

#[test]
fn llama_3_1_8b() {
    let entry = recounts(
        r#"{"architectures": ["LlamaForCausalLM"], "attention_bias": false, "attention_dropout": 0.0, "bos_token_id": 128000,
            "eos_token_id": [128001, 128008, 128009], "hidden_act": "silu", "hidden_size": 4096, "initializer_range": 0.02,
            "intermediate_size": 14336, "max_position_embeddings": 131072, "mlp_bias": false, "model_type": "llama",
            "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8, "pretraining_tp": 1,
            "rms_norm_eps": 1e-05, "rope_scaling": {"factor": 8.0, "rope_type": "llama3"}, "rope_theta": 500000.0,
            "tie_word_embeddings": false, "torch_dtype": "bfloat16", "use_cache": true, "vocab_size": 128256}"#,
        8_030_261_248.0,
    );
    assert_eq!((entry.shape.max_context, entry.id.as_str(), entry.note), (131_072, "test", None));
}

#[test]
fn qwen2_5_7b_leaves_its_window_off() {
    let entry = recounts(
        r#"{"model_type": "qwen2", "hidden_size": 3584, "intermediate_size": 18944, "max_position_embeddings": 131072,
            "max_window_layers": 28, "num_attention_heads": 28, "num_hidden_layers": 28, "num_key_value_heads": 4,
            "sliding_window": 131072, "use_sliding_window": false, "tie_word_embeddings": false, "vocab_size": 152064}"#,
        7_615_616_512.0,
    );
    assert!(entry.shape.sequence.iter().all(|kind| kind.mixer == MixerKind::Full));
}

#[test]
fn mixtral_8x7b() {
    recounts(
        r#"{"model_type": "mixtral", "hidden_size": 4096, "intermediate_size": 14336, "max_position_embeddings": 32768,
            "num_attention_heads": 32, "num_experts_per_tok": 2, "num_hidden_layers": 32, "num_key_value_heads": 8,
            "num_local_experts": 8, "sliding_window": null, "tie_word_embeddings": false, "vocab_size": 32000}"#,
        46_702_792_704.0,
    );
}

#[test]
fn deepseek_v3() {
    let entry = recounts(
        r#"{"model_type": "deepseek_v3", "first_k_dense_replace": 3, "hidden_size": 7168, "intermediate_size": 18432,
            "kv_lora_rank": 512, "max_position_embeddings": 163840, "moe_intermediate_size": 2048, "moe_layer_freq": 1,
            "n_group": 8, "n_routed_experts": 256, "n_shared_experts": 1, "num_attention_heads": 128,
            "num_experts_per_tok": 8, "num_hidden_layers": 61, "num_key_value_heads": 128, "num_nextn_predict_layers": 1,
            "q_lora_rank": 1536, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "tie_word_embeddings": false,
            "topk_method": "noaux_tc", "v_head_dim": 128, "vocab_size": 129280}"#,
        671_026_419_200.0,
    );
    assert_eq!(entry.shape.mtp_layers, 1);
    assert_eq!(entry.shape.sequence.iter().filter(|kind| kind.mlp == MlpKind::Dense).count(), 3);
}

#[test]
fn gpt2_and_opt_learn_their_positions() {
    recounts(
        r#"{"model_type": "gpt2", "n_ctx": 1024, "n_embd": 768, "n_head": 12, "n_layer": 12, "n_positions": 1024,
            "vocab_size": 50257}"#,
        124_439_808.0,
    );
    recounts(
        r#"{"model_type": "opt", "hidden_size": 1024, "ffn_dim": 4096, "max_position_embeddings": 2048,
            "num_attention_heads": 16, "num_hidden_layers": 24, "word_embed_proj_dim": 512, "do_layer_norm_before": false,
            "vocab_size": 50272}"#,
        331_196_416.0,
    );
}

#[test]
fn the_gpt_lineage_and_falcon() {
    recounts(
        r#"{"model_type": "gpt_neox", "hidden_size": 5120, "intermediate_size": 20480, "max_position_embeddings": 2048,
            "num_attention_heads": 40, "num_hidden_layers": 36, "tie_word_embeddings": false, "vocab_size": 50688}"#,
        11_846_072_320.0,
    );
    recounts(
        r#"{"model_type": "bloom", "n_embed": 14336, "n_layer": 70, "num_attention_heads": 112, "seq_length": 2048,
            "vocab_size": 250880}"#,
        176_247_271_424.0,
    );
    recounts(
        r#"{"model_type": "falcon", "alibi": false, "bias": false, "hidden_size": 4544, "multi_query": true,
            "new_decoder_architecture": false, "num_attention_heads": 71, "num_hidden_layers": 32, "num_kv_heads": 71,
            "parallel_attn": true, "vocab_size": 65024}"#,
        6_921_720_704.0,
    );
}

#[test]
fn gemma_3_alternates_five_to_one_inside_a_text_config() {
    let entry = recounts(
        r#"{"model_type": "gemma3", "vision_config": {"hidden_size": 1152}, "text_config": {"model_type": "gemma3_text",
            "hidden_size": 2560, "intermediate_size": 10240, "num_hidden_layers": 34, "sliding_window": 1024}}"#,
        3_880_263_168.0,
    );
    let full: Vec<_> = entry
        .shape
        .sequence
        .iter()
        .enumerate()
        .filter(|(_, kind)| kind.mixer == MixerKind::Full)
        .map(|(at, _)| at)
        .collect();
    assert_eq!(full, [5, 11, 17, 23, 29]);
    let Some(Attention::Softmax(SoftmaxAttention { window, .. })) = entry.shape.attention else { panic!("softmax") };
    assert_eq!(window, Some(1024));
}

#[test]
fn gemma_2_slides_on_even_layers() {
    let entry = recounts(
        r#"{"model_type": "gemma2", "head_dim": 256, "hidden_size": 3584, "intermediate_size": 14336,
            "max_position_embeddings": 8192, "num_attention_heads": 16, "num_hidden_layers": 42, "num_key_value_heads": 8,
            "sliding_window": 4096, "vocab_size": 256000}"#,
        9_241_705_984.0,
    );
    assert_eq!(entry.shape.sequence[0].mixer, MixerKind::Sliding);
    assert_eq!(entry.shape.sequence[1].mixer, MixerKind::Full);
}

#[test]
fn qwen3_moe_and_gpt_oss() {
    recounts(
        r#"{"model_type": "qwen3_moe", "attention_bias": false, "decoder_sparse_step": 1, "head_dim": 128,
            "hidden_size": 2048, "intermediate_size": 6144, "max_position_embeddings": 40960, "mlp_only_layers": [],
            "moe_intermediate_size": 768, "num_attention_heads": 32, "num_experts": 128, "num_experts_per_tok": 8,
            "num_hidden_layers": 48, "num_key_value_heads": 4, "tie_word_embeddings": false, "vocab_size": 151936}"#,
        30_532_122_624.0,
    );
    let entry = recounts(
        r#"{"model_type": "gpt_oss", "attention_bias": true, "head_dim": 64, "hidden_size": 2880, "intermediate_size": 2880,
            "max_position_embeddings": 131072, "num_attention_heads": 64, "num_experts_per_tok": 4, "num_hidden_layers": 36,
            "num_key_value_heads": 8, "num_local_experts": 128, "sliding_window": 128, "tie_word_embeddings": false,
            "vocab_size": 201088}"#,
        116_829_156_672.0,
    );
    assert_eq!(entry.shape.sequence.iter().filter(|kind| kind.mixer == MixerKind::Sliding).count(), 18);
}

#[test]
fn hybrids_keep_their_pattern() {
    let qwen = read(
        r#"{"model_type": "qwen3_next", "decoder_sparse_step": 1, "full_attention_interval": 4, "head_dim": 256,
            "hidden_size": 2048, "intermediate_size": 5120, "linear_conv_kernel_dim": 4, "linear_key_head_dim": 128,
            "linear_num_key_heads": 16, "linear_num_value_heads": 32, "linear_value_head_dim": 128,
            "max_position_embeddings": 262144, "mlp_only_layers": [], "moe_intermediate_size": 512,
            "num_attention_heads": 16, "num_experts": 512, "num_experts_per_tok": 10, "num_hidden_layers": 48,
            "num_key_value_heads": 2, "shared_expert_intermediate_size": 512, "tie_word_embeddings": false,
            "vocab_size": 151936}"#,
        "qwen3-next",
    );
    assert!((qwen.shape.parameters() / 79.7e9 - 1.0).abs() < 1e-3);
    let jamba = read(
        r#"{"model_type": "jamba", "attn_layer_offset": 4, "attn_layer_period": 8, "expert_layer_offset": 1,
            "expert_layer_period": 2, "hidden_size": 4096, "intermediate_size": 14336, "mamba_d_conv": 4,
            "mamba_d_state": 16, "mamba_dt_rank": 256, "mamba_expand": 2, "max_position_embeddings": 262144,
            "num_attention_heads": 32, "num_experts": 16, "num_experts_per_tok": 2, "num_hidden_layers": 32,
            "num_key_value_heads": 8, "tie_word_embeddings": false, "vocab_size": 65536}"#,
        "jamba",
    );
    assert!((jamba.shape.parameters() / 51.57e9 - 1.0).abs() < 1e-3);
    let full: Vec<_> = jamba
        .shape
        .sequence
        .iter()
        .enumerate()
        .filter(|(_, kind)| kind.mixer == MixerKind::Full)
        .map(|(at, _)| at)
        .collect();
    assert_eq!(full, [4, 12, 20, 28]);
    let nemotron = read(
        r#"{"model_type": "nemotron_h", "attention_head_dim": 128, "conv_kernel": 4, "hidden_size": 4096,
            "hybrid_override_pattern": "M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M-",
            "intermediate_size": 21504, "mamba_head_dim": 64, "mamba_num_heads": 128, "max_position_embeddings": 8192,
            "n_groups": 8, "num_attention_heads": 32, "num_hidden_layers": 52, "num_key_value_heads": 8,
            "ssm_state_size": 128, "tie_word_embeddings": false, "vocab_size": 131072}"#,
        "nemotron",
    );
    assert!((nemotron.shape.parameters() / 8.1e9 - 1.0).abs() < 1e-3);
    assert_eq!(nemotron.shape.sequence[7].mixer, MixerKind::Full);
    let mamba = read(
        r#"{"model_type": "mamba2", "conv_kernel": 4, "head_dim": 64, "hidden_size": 2560, "n_groups": 1, "num_heads": 80,
            "num_hidden_layers": 64, "state_size": 128, "tie_word_embeddings": true, "vocab_size": 50288}"#,
        "mamba2",
    );
    assert!((mamba.shape.parameters() / 2.703e9 - 1.0).abs() < 1e-3);
    assert!(mamba.note.is_some_and(|note| note.contains("2048 tokens are assumed")));
}

#[test]
fn an_unknown_type_is_read_by_its_fields_and_says_so() {
    let entry = read(
        r#"{"model_type": "brand_new", "hidden_size": 4096, "intermediate_size": 11008, "num_attention_heads": 32,
            "num_hidden_layers": 32, "max_position_embeddings": 2048, "tie_word_embeddings": false, "vocab_size": 32000}"#,
        "new \"model\"",
    );
    assert!((entry.shape.parameters() - 6_738_415_616.0).abs() < 0.5);
    assert!(entry.note.is_some_and(|note| note.contains("\"brand_new\" is not known")));
    assert_eq!(entry.id, "new \"model\"");
}

#[test]
fn mistakes_are_one_sentence() {
    refuses("hello", "this is not JSON");
    refuses("[1, 2]", "is a JSON object");
    refuses("{}", "needs \"hidden_size\"");
    refuses(r#"{"model_type": "llama", "hidden_size": -1}"#, "\"hidden_size\" is \"-1\"");
    refuses(r#"{"model_type": "llama", "hidden_size": 4096.5}"#, "\"hidden_size\" is \"4096.5\"");
    refuses(
        r#"{"model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 0}"#,
        "\"num_hidden_layers\" is \"0\"",
    );
    refuses(r#"{"model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 4000000}"#, "10000");
    let sizes = r#""hidden_size": 4096, "num_hidden_layers": 2, "num_attention_heads": 32, "vocab_size": 100"#;
    refuses(
        &format!("{{\"model_type\": \"llama\", {sizes}}}"),
        "needs \"intermediate_size_mlp\" or \"intermediate_size\"",
    );
    let sizes = format!("{sizes}, \"intermediate_size\": 100");
    refuses(&format!("{{{sizes}, \"num_key_value_heads\": 5}}"), "does not divide the 32 query heads");
    refuses(&format!("{{{sizes}, \"num_experts\": 4, \"num_experts_per_tok\": 5}}"), "more than its 4 experts");
    refuses(&format!("{{{sizes}, \"layer_types\": [\"full_attention\"]}}"), "\"layer_types\" has 1 layers");
    refuses(&format!("{{{sizes}, \"layer_types\": [\"full_attention\", \"odd\"]}}"), "\"odd\"");
    refuses(&format!("{{{sizes}, \"tie_word_embeddings\": \"yes\"}}"), "allowed are true and false");
}

#[test]
fn a_spoilt_configuration_is_a_sentence_or_a_readable_entry() {
    let good: serde_json::Map<String, serde_json::Value> = serde_json::from_str(
        r#"{"model_type": "deepseek_v3", "first_k_dense_replace": 3, "hidden_size": 7168, "intermediate_size": 18432,
            "kv_lora_rank": 512, "max_position_embeddings": 163840, "moe_intermediate_size": 2048, "layer_types": null,
            "n_routed_experts": 256, "n_shared_experts": 1, "num_attention_heads": 128, "num_experts_per_tok": 8,
            "num_hidden_layers": 6, "num_key_value_heads": 128, "num_nextn_predict_layers": 1, "q_lora_rank": 1536,
            "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "sliding_window": null, "tie_word_embeddings": false,
            "v_head_dim": 128, "vocab_size": 129280, "mlp_only_layers": [], "decoder_sparse_step": 1, "head_dim": 128,
            "full_attention_interval": null, "linear_num_value_heads": null, "mamba_d_state": null, "moe_layers": null}"#,
    )
    .expect("JSON");
    let strange = r#"[null, -1, 0, 1, 7, 4294967295, 1e300, 0.5, true, "odd", [], [1, 2], ["full_attention"], {}]"#;
    let strange: Vec<serde_json::Value> = serde_json::from_str(strange).expect("JSON");
    for model_type in
        ["deepseek_v3", "llama", "falcon", "gemma3_text", "jamba", "mamba2", "qwen3_next", "gpt_oss", "new"]
    {
        for key in good.keys() {
            for value in &strange {
                let mut config = good.clone();
                config.insert("model_type".to_owned(), model_type.into());
                config.insert(key.clone(), value.clone());
                let text = serde_json::Value::Object(config).to_string();
                match toml_from_config(&text, "spoilt") {
                    Ok(_) => assert!(read(&text, "spoilt").shape.parameters().is_finite()),
                    Err(error) => assert_eq!(error.to_string().lines().count(), 1, "{error}"),
                }
            }
        }
    }
}
