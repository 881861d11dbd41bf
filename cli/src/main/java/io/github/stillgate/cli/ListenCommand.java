package io.github.stillgate.cli;

import io.github.stillgate.audio.ResampledWav;
import io.github.stillgate.audio.WavReader;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.session.InputRefusedException;
import io.github.stillgate.core.weights.RegularFile;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.importers.silero.SileroFile;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

@Command(
    name = "listen",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    description = {
      "Prints where there is speech in a recording: start and end of each segment in seconds, as it ends.",
      "",
      "The network is Silero VAD, which you bring (github.com/snakers4/silero-vad) and convert once:",
      "  ./stillgate convert silero_vad.onnx silero.safetensors \\",
      "    --set sr=16000 --shape input=1,576",
      "Its weights silero_vad_16k.safetensors are taken as they are.",
      "Networks that read 576 samples a step (512 and the last 64 before) or 512 run at 16 kHz, those of 288 or"
          + " 256 at 8 kHz; a recording of another rate is resampled. What a segment is follows"
          + " get_speech_timestamps of Silero, and so do the defaults.",
      ""
    },
    footer = {"", "Example: ./stillgate listen --vad silero.safetensors talk.wav"})
final class ListenCommand implements Callable<Integer> {
  private static final double HYSTERESIS = 0.15;
  private static final double LEAST_LOWER = 0.01;

  @Parameters(paramLabel = "FILE", description = "a .wav file")
  private Path sound;

  @Option(
      names = "--vad",
      required = true,
      paramLabel = "MODEL",
      description = "the weights file of the voice detector")
  private Path model;

  @Option(
      names = "--threshold",
      defaultValue = "0.5",
      paramLabel = "P",
      description = "probability from which on there is speech")
  private double threshold;

  @Option(
      names = "--lower-threshold",
      paramLabel = "P",
      description =
          "probability below which speech ends; if not given 0.15 below the threshold, and at least"
              + " 0.01")
  private @Nullable Double lower;

  @Option(
      names = "--min-speech",
      defaultValue = "250ms",
      paramLabel = "TIME",
      converter = DurationOption.OrNone.class,
      description = "segments that are no longer are left out")
  private Duration shortestSpeech;

  @Option(
      names = "--min-silence",
      defaultValue = "100ms",
      paramLabel = "TIME",
      converter = DurationOption.OrNone.class,
      description = "silence that ends a segment")
  private Duration shortestSilence;

  @Option(
      names = "--pad",
      defaultValue = "30ms",
      paramLabel = "TIME",
      converter = DurationOption.OrNone.class,
      description = "what is added before and after a segment")
  private Duration padding;

  @Option(
      names = "--channel",
      paramLabel = "N",
      showDefaultValue = CommandLine.Help.Visibility.NEVER,
      description = "which channel, from 0; the mean of all if not given")
  private int channel = WavReader.MIX;

  @Option(
      names = "--backend",
      paramLabel = "NAME",
      description = "reference, vector or native; without it the best that runs")
  private @Nullable String backend;

  @Option(names = "--json", description = "print one JSON object a line for each segment")
  private boolean json;

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    double until = lower == null ? Math.max(threshold - HYSTERESIS, LEAST_LOWER) : lower;
    if (!(threshold > 0 && threshold <= 1 && until > 0 && until <= threshold)) {
      throw new ParameterException(
          spec.commandLine(),
          "--threshold must lie above 0 and at most at 1, --lower-threshold above 0 and at most at that; they are %s and %s"
              .formatted(threshold, until));
    }
    RegularFile.require(sound);
    Model network = network();
    VoiceDetector.Form form;
    try {
      form = VoiceDetector.form(network);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "%s is no voice detector: %s".formatted(model, e.getMessage()), e);
    }
    PlanOptions options =
        backend == null ? PlanOptions.defaults() : PlanOptions.defaults().withBackend(backend);
    SpeechSegments.Rules rules =
        new SpeechSegments.Rules(
            threshold,
            until,
            samples(shortestSpeech, form),
            samples(shortestSilence, form),
            samples(padding, form));
    try (ResampledWav wav = ResampledWav.open(sound, channel, form.rate());
        Plan plan = Plan.compile(network, options);
        Progress progress = Progress.of("listening", wav.samples() / form.rate(), !json)) {
      listen(wav, plan, form, rules, progress);
    }
    return 0;
  }

  private static long samples(Duration time, VoiceDetector.Form form) {
    return Math.round(time.toNanos() * 1e-9 * form.rate());
  }

  private void listen(
      ResampledWav wav,
      Plan plan,
      VoiceDetector.Form form,
      SpeechSegments.Rules rules,
      Progress progress)
      throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    SpeechSegments segments =
        new SpeechSegments(
            rules,
            form.chunk(),
            (start, end) -> {
              out.println(
                  String.format(
                      Locale.ROOT,
                      json ? "{\"start\": %.3f, \"end\": %.3f}" : "%9.3f %9.3f",
                      (double) start / form.rate(),
                      (double) end / form.rate()));
              out.flush();
            });
    float[] chunk = new float[form.chunk()];
    long heard = 0;
    try (VoiceDetector detector = VoiceDetector.open(plan)) {
      while (heard < wav.samples()) {
        int read = wav.read(chunk, 0, chunk.length);
        Arrays.fill(chunk, read, chunk.length, 0);
        segments.add(detector.probability(chunk));
        heard += read;
        progress.at(heard / form.rate());
      }
      segments.finish(heard);
    } catch (InputRefusedException e) {
      throw new IOException(
          "%s: a sample around second %.3f is %s; replace it before"
              .formatted(sound, (double) heard / form.rate(), e.value()),
          e);
    }
  }

  /** A network of ours, or the published weights of Silero VAD as they are. */
  private Model network() throws IOException {
    RegularFile.require(model);
    try (WeightsFile file = WeightsFile.open(model)) {
      return !Model.describedIn(file) && SileroFile.isOne(file)
          ? SileroFile.read(file).model()
          : Model.from(file);
    }
  }
}
