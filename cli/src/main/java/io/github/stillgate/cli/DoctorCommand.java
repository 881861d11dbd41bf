package io.github.stillgate.cli;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.github.stillgate.core.kernel.Availability;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Backends;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.Skipping;
import io.github.stillgate.core.plan.WeightFormat;
import io.github.stillgate.core.session.Session;
import io.github.stillgate.kernel.ffm.Blas;
import io.github.stillgate.kernel.ffm.BlasIdentity;
import io.github.stillgate.kernel.ffm.NativeBackend;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
    name = "doctor",
    mixinStandardHelpOptions = true,
    description = {
      "Says which backends run here, at which instruction set, and what to do about those that don't;"
          + " then lets each run a small network, with float32 and with bf16 weights, and compares"
          + " its bits with the reference.",
      "",
      "Exit code 1 if a usable backend's bits differ, or one that --require names cannot run.",
      ""
    },
    footer = {"", "Example, for the build of an image: ./stillgate doctor --require native,vector"})
final class DoctorCommand implements Callable<Integer> {
  private record Diagnosis(
      String backend,
      boolean usable,
      @Nullable String tier,
      @Nullable String reason,
      @Nullable String cure,
      @JsonProperty("self_test") @Nullable String checksum,
      @JsonProperty("same_bits") @Nullable Boolean sameBits) {}

  private record Report(
      String java,
      String vm,
      String os,
      List<Diagnosis> backends,
      BlasIdentity blas,
      @JsonProperty("blas_problem") @Nullable String blasProblem,
      @JsonProperty("thread_flushes_denormals") @Nullable Boolean flushesDenormals,
      @JsonProperty("thread_deviations") @Nullable List<String> deviations) {}

  @Option(
      names = "--require",
      paramLabel = "NAME",
      split = ",",
      description = "backends that must run here: reference, vector, native")
  private List<String> required = List.of();

  @Option(names = "--json", description = "print one JSON object")
  private boolean json;

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  @Override
  public Integer call() {
    for (String name : required) {
      if (Backends.report().stream().noneMatch(entry -> entry.name().equals(name))) {
        throw new CommandLine.ParameterException(
            spec.commandLine(),
            "--require: there is no backend \"%s\"; there are %s"
                .formatted(
                    name,
                    Backends.report().stream()
                        .map(Backends.Entry::name)
                        .collect(Collectors.joining(", "))));
      }
    }
    Report report = examine();
    Output out = new Output(spec.commandLine().getOut());
    if (json) {
      out.json(report);
    } else {
      print(report, out);
    }
    List<Diagnosis> missing =
        report.backends.stream().filter(d -> !d.usable && required.contains(d.backend)).toList();
    for (Diagnosis d : missing) {
      Stillgate.tell(
          spec.commandLine(),
          "stillgate: %s is required and cannot run: %s; %s"
              .formatted(d.backend, d.reason, d.cure));
    }
    boolean wrong = report.backends.stream().anyMatch(d -> Boolean.FALSE.equals(d.sameBits));
    return wrong || !missing.isEmpty() ? 1 : 0;
  }

  private static Report examine() {
    Model model = SelfTestModel.create();
    String expected = selfTest(model, "reference", Skipping.NOTHING);
    List<Diagnosis> diagnoses = new ArrayList<>();
    boolean nativeUsable = false;
    for (Backends.Entry entry : Backends.report()) {
      diagnoses.add(
          entry.isUsable()
              ? diagnosis(entry, selfTest(model, entry.name(), Skipping.STILL_UNITS), expected)
              : new Diagnosis(entry.name(), false, null, entry.reason(), entry.cure(), null, null));
      nativeUsable |= entry.name().equals("native") && entry.isUsable();
    }
    Blas blas = Blas.system();
    return new Report(
        System.getProperty("java.version"),
        System.getProperty("java.vm.name") + ", " + System.getProperty("java.vm.info"),
        System.getProperty("os.name") + " " + System.getProperty("os.arch"),
        diagnoses,
        blas.identity(),
        blas.availability() instanceof Availability.Unusable unusable
            ? unusable.toString()
            : blas.identity().narrowness().orElse(null),
        nativeUsable ? NativeBackend.threadFlushesDenormals() : null,
        nativeUsable ? NativeBackend.threadDeviations() : null);
  }

  private static Diagnosis diagnosis(Backends.Entry entry, String bits, String expected) {
    return new Diagnosis(
        entry.name(), true, entry.tier().orElseThrow(), null, null, bits, bits.equals(expected));
  }

  private static String selfTest(Model model, String backend, Skipping skipping) {
    Checksum checksum = new Checksum();
    float[] out = new float[model.outputs()];
    PlanOptions options = PlanOptions.defaults().withBackend(backend).withSkipping(skipping);
    // Each format has kernels of its own.
    for (WeightFormat weights : WeightFormat.values()) {
      try (Plan plan = Plan.compile(model, options.withWeights(weights));
          Session session = Session.open(plan)) {
        for (int step = 0; step < 400; step++) {
          session.step(step * 7 % model.inputs(), out);
          checksum.add(out);
        }
      }
    }
    return checksum.toString();
  }

  private static void print(Report report, Output out) {
    out.line("Java %s (%s) on %s", report.java, report.vm, report.os);
    out.line("");
    for (Diagnosis d : report.backends) {
      if (d.usable) {
        out.line(
            "%-10s usable, %s; self-test %s, %s",
            d.backend,
            d.tier,
            d.checksum,
            Boolean.TRUE.equals(d.sameBits)
                ? "the bits of the reference"
                : "NOT THE BITS OF THE REFERENCE: please report this with your CPU's name");
      } else {
        out.line("%-10s cannot run: %s", d.backend, d.reason);
        out.line("%-10s cure: %s", "", d.cure);
      }
    }
    out.line("");
    out.line("BLAS       %s (for dense baselines only)", report.blas);
    if (report.blasProblem != null) {
      out.line("           %s", report.blasProblem);
    }
    if (report.deviations != null && !report.deviations.isEmpty()) {
      out.line(
          "warning    this thread's arithmetic is not Java's, which changes bits: %s; find the native"
              + " library that leaves it so",
          String.join(", ", report.deviations));
    }
  }
}
