package io.github.stillgate.training;

import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Skips a test class, with the reason, where PyTorch's natives are not on the class path. */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(RequiresPyTorch.Condition.class)
@interface RequiresPyTorch {
  /** Asks DJL for the engine. */
  final class Condition implements ExecutionCondition {
    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
      try {
        Engine.getEngine("PyTorch");
        return ConditionEvaluationResult.enabled("PyTorch is here");
      } catch (EngineException | IllegalArgumentException absent) {
        return ConditionEvaluationResult.disabled(
            "PyTorch's natives are not here: " + absent.getMessage());
      }
    }
  }
}
