"""Exports classifiers by PyTorch's default exporter, with random weights, and has models.js measure what becomes of each:
pip install torch==2.15.0 torchvision==0.29.2 timm==1.0.31 onnx==1.23.2 onnxscript==0.7.2, then

    npm run build && models.py <folder> [<model of timm, or tv:model of torchvision> ...]

Every model of the list below by default, with a fixed batch of 1 and with a dynamic one. A row of <folder>/rows.jsonl each;
what has one is not tried again. KEEP=1 leaves the exports in the folder, others are deleted when they are measured.
KINDS=dynamic or KINDS=fixed tries one of the two.
"""

import copy
import gc
import json
import os
import pathlib
import subprocess
import sys

import timm
import torch
import torchvision

TORCHVISION = """resnet18 convnext_tiny swin_t mobilenet_v3_small squeezenet1_1 efficientnet_b0 shufflenet_v2_x0_5 mnasnet0_5 regnet_y_400mf
mobilenet_v2 densenet121 googlenet inception_v3 vit_b_16 swin_v2_t maxvit_t efficientnet_v2_s alexnet vgg11 resnet50 regnet_x_400mf
resnext50_32x4d wide_resnet50_2 vgg11_bn mobilenet_v3_large shufflenet_v2_x1_0 squeezenet1_0 mnasnet1_0 vit_b_32 densenet161
efficientnet_b1"""

TIMM = """convnext_atto convnextv2_atto swin_tiny_patch4_window7_224 swinv2_tiny_window8_256 dpn48b fastvit_t8 mobilenetv4_conv_small
efficientvit_b0 hiera_tiny_224 eva02_tiny_patch14_224 vit_small_patch16_dinov3 levit_128s mambaout_femto cait_xxs24_224
edgenext_xx_small vit_tiny_patch16_224 maxvit_rmlp_pico_rw_256 coatnet_pico_rw_224 xcit_nano_12_p16_224 pvt_v2_b0 repvit_m0_9
tiny_vit_5m_224 nextvit_small crossvit_tiny_240 deit3_small_patch16_224 beit_base_patch16_224 resnest14d regnetx_002
regnety_002 res2net50_14w_8s ghostnet_050 ghostnetv2_100 tinynet_e mnasnet_small efficientnet_lite0 efficientnet_b0
efficientnetv2_rw_t tf_efficientnet_b0 dm_nfnet_f0 nfnet_l0 mobilenetv4_hybrid_medium efficientvit_m0 beitv2_base_patch16_224
deit_tiny_patch16_224 resnetv2_50x1_bit resnet18d resnet10t deit_tiny_distilled_patch16_224 mobilevit_xxs mobilevitv2_050
mobileone_s0 mobilenetv3_small_050 mobilenetv2_050 mobilenet_edgetpu_v2_xs mixer_s32_224 gmlp_ti16_224 resmlp_12_224
visformer_tiny convit_tiny twins_svt_small poolformer_s12 poolformerv2_s12 caformer_s18 convformer_s18 focalnet_tiny_srf
gcvit_xxtiny davit_tiny volo_d1_224 vovnet39a inception_next_atto hgnet_tiny hgnetv2_b0 lcnet_050 fbnetc_100 hardcorenas_a
rexnet_100 semnasnet_075 selecsls42 skresnet18 cspresnet50 darknet53 dla34 hrnet_w18_small inception_v4 xception41
legacy_xception repvgg_a0 starnet_s1 shvit_s1 swiftformer_xs tresnet_m tnt_s_legacy_patch16_224 sequencer2d_s pit_ti_224
nest_tiny mvitv2_tiny efficientformer_l1 efficientformerv2_s0 fasternet_t0 repghostnet_050 rdnet_tiny samvit_base_patch16_224
vit_relpos_small_patch16_224 vit_base_patch16_siglip_224 naflexvit_base_patch16_gap vit_little_patch16_reg4_gap_256
vitamin_small_224 halonet26t lambda_resnet26t botnet26t_256 bat_resnext26ts ese_vovnet19b_dw resnext50_32x4d seresnet18
ecaresnet26t spnasnet_100 coat_tiny convmixer_768_32 csatv2 cspnext_tiny efficientvim_m1 lowformer_b0 lcnetv2_small
inception_resnet_v2 swinv2_cr_tiny_ns_224 maxvit_tiny_tf_224 convnext_atto_ols"""

KINDS = os.environ.get("KINDS", "fixed dynamic").split()

#: Pixels of models that take any size: enough for every stage to have some.
SIDE = 160

#: Of those whose windows do not divide that.
SIDES = {"halonet26t": 256, "bat_resnext26ts": 256}


def build(name):
    torch.manual_seed(0)
    if name.startswith("tv:"):
        # The first initial weights of these two let almost nothing through.
        plain = {"init_weights": False} if name in {"tv:googlenet", "tv:inception_v3"} else {}
        model = torchvision.models.get_model(name[3:], weights=None, **plain)
        fixed = name[3:].startswith(("vit", "maxvit"))
        size = 224 if fixed else SIDE
    else:
        model = timm.create_model(name, pretrained=False)
        config = model.pretrained_cfg
        given = config["input_size"][-1]
        size = given if config.get("fixed_input_size") else SIDES.get(name, min(SIDE, given))
    for parameter in model.parameters():
        if parameter.ndim <= 1:
            parameter.data += 0.05 * torch.randn_like(parameter)
        elif not parameter.any():
            parameter.data += 0.02 * torch.randn_like(parameter)
    return model.eval(), size


def without_fused_attention(name):
    """The same model, its attention in products and a softmax: the exporter refuses some forms of the fused one."""
    timm.layers.set_fused_attn(False)
    model, _ = build(name)
    timm.layers.set_fused_attn(True)
    return model


def gradient(model, x, cotangent):
    x = x.clone().requires_grad_()
    (model(x) * cotangent).sum().backward()
    return x.grad


def save(stem, model, size):
    """Two random images, a random cotangent of the logits and the gradient in float64; returns what float32 makes of it."""
    x = torch.randn(2, 3, size, size)
    with torch.no_grad():
        cotangent = torch.randn_like(model(x))
    single = gradient(model, x, cotangent)
    exact = gradient(copy.deepcopy(model).double(), x.double(), cotangent.double())
    for key, tensor in dict(x=x, c=cotangent, g=exact).items():
        tensor.numpy().tofile(f"{stem}.{key}.bin")
    return float((single.double() - exact).norm() / exact.norm())


def export(path, model, size, kind):
    shapes = {"dynamic_shapes": ({0: torch.export.Dim("batch")},)} if kind == "dynamic" else {}
    example = torch.randn(2 if kind == "dynamic" else 1, 3, size, size)
    torch.onnx.export(model, (example,), None, dynamo=True, verbose=False, **shapes).save(path, external_data=False)


def measure(file):
    script = pathlib.Path(__file__).with_name("models.js")
    done = subprocess.run(["node", script, file], capture_output=True, text=True)
    return json.loads(done.stdout) if done.returncode == 0 else {"problem": done.stderr[-300:]}


def summary(problem):
    lines = [line for line in str(problem).splitlines() if line.strip()]
    return f"{type(problem).__name__}: {lines[0] if lines else ''}"[:200]


def attempt(name, folder, wanted):
    stem = folder / name.replace(":", "_")
    try:
        model, size = build(name)
        row = {"size": size, "torch": save(stem, model, size)}
    except Exception as problem:
        return {kind: {"unusable": summary(problem)} for kind in wanted}
    rows = {}
    for kind in wanted:
        file = pathlib.Path(f"{stem}.{kind}.onnx")
        try:
            export(file, model, size, kind)
        except Exception as problem:
            try:
                export(file, without_fused_attention(name), size, kind)
            except Exception:
                rows[kind] = {**row, "unexported": summary(problem)}
                continue
        rows[kind] = {**row, **measure(file)}
        if "KEEP" not in os.environ:
            file.unlink()
    if "KEEP" not in os.environ:
        for key in "xcg":
            pathlib.Path(f"{stem}.{key}.bin").unlink()
    return rows


def main(folder, *names):
    folder = pathlib.Path(folder)
    folder.mkdir(exist_ok=True)
    rows = folder / "rows.jsonl"
    rows.touch()
    done = {(row["model"], row["kind"]) for row in map(json.loads, rows.read_text().splitlines())}
    for name in names or [*(f"tv:{n}" for n in TORCHVISION.split()), *TIMM.split()]:
        wanted = [kind for kind in KINDS if (name, kind) not in done]
        for kind, row in attempt(name, folder, wanted).items() if wanted else ():
            with rows.open("a") as out:
                print(json.dumps({"model": name, "kind": kind, **row}), file=out)
        torch._dynamo.reset()
        gc.collect()


main(*sys.argv[1:])
