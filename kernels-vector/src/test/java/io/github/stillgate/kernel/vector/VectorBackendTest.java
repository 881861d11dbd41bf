package io.github.stillgate.kernel.vector;

import io.github.stillgate.contract.AllocationContract;
import io.github.stillgate.contract.BatchContract;
import io.github.stillgate.contract.CellsContract;
import io.github.stillgate.contract.ConditionalDenseContract;
import io.github.stillgate.contract.ConditionalDenseReadsContract;
import io.github.stillgate.contract.FormatContract;
import io.github.stillgate.contract.GraphContract;
import io.github.stillgate.contract.GraphNamesContract;
import io.github.stillgate.contract.GraphOperationsContract;
import io.github.stillgate.contract.GraphPositionsContract;
import io.github.stillgate.contract.InitialStateContract;
import io.github.stillgate.contract.Int8Contract;
import io.github.stillgate.contract.Int8PlanContract;
import io.github.stillgate.contract.Int8ScalesContract;
import io.github.stillgate.contract.LifecycleContract;
import io.github.stillgate.contract.LifetimeContract;
import io.github.stillgate.contract.LimitsContract;
import io.github.stillgate.contract.PaddingContract;
import io.github.stillgate.contract.PanelsContract;
import io.github.stillgate.contract.RowsContract;
import io.github.stillgate.contract.SequenceContract;
import io.github.stillgate.contract.SessionContract;
import io.github.stillgate.contract.SkippingContract;
import io.github.stillgate.contract.ThreadsContract;
import io.github.stillgate.contract.VectorOpsContract;
import io.github.stillgate.contract.ZeroRowsContract;
import org.junit.jupiter.api.Nested;

class VectorBackendTest {
  @Nested
  class KernelRows extends RowsContract {
    KernelRows() {
      super(new VectorBackend());
    }
  }

  @Nested
  class KernelPanels extends PanelsContract {
    KernelPanels() {
      super(new VectorBackend());
    }
  }

  @Nested
  class KernelVectors extends VectorOpsContract {
    KernelVectors() {
      super(new VectorBackend());
    }
  }

  @Nested
  class KernelCells extends CellsContract {
    KernelCells() {
      super(new VectorBackend());
    }
  }

  @Nested
  class Graphs extends GraphContract {
    Graphs() {
      super(new VectorBackend());
    }
  }

  @Nested
  class GraphNames extends GraphNamesContract {
    GraphNames() {
      super(new VectorBackend());
    }
  }

  @Nested
  class GraphOperations extends GraphOperationsContract {
    GraphOperations() {
      super(new VectorBackend());
    }
  }

  @Nested
  class GraphPositions extends GraphPositionsContract {
    GraphPositions() {
      super(new VectorBackend());
    }
  }

  @Nested
  class Sessions extends SessionContract {
    Sessions() {
      super(new VectorBackend());
    }
  }

  @Nested
  class Batches extends BatchContract {
    Batches() {
      super(new VectorBackend());
    }
  }

  @Nested
  class Sequences extends SequenceContract {
    Sequences() {
      super(new VectorBackend());
    }
  }

  @Nested
  class InitialStates extends InitialStateContract {
    InitialStates() {
      super(new VectorBackend());
    }
  }

  @Nested
  class Lifetimes extends LifetimeContract {
    Lifetimes() {
      super(new VectorBackend());
    }
  }

  @Nested
  class Padding extends PaddingContract {
    Padding() {
      super(new VectorBackend());
    }
  }

  @Nested
  class Skippings extends SkippingContract {
    Skippings() {
      super(new VectorBackend());
    }
  }

  @Nested
  class ConditionalDenseLayers extends ConditionalDenseContract {
    ConditionalDenseLayers() {
      super(new VectorBackend());
    }
  }

  @Nested
  class ConditionalDenseReads extends ConditionalDenseReadsContract {
    ConditionalDenseReads() {
      super(new VectorBackend());
    }
  }

  @Nested
  class Lifecycles extends LifecycleContract {
    Lifecycles() {
      super(new VectorBackend());
    }
  }

  @Nested
  class Formats extends FormatContract {
    Formats() {
      super(new VectorBackend());
    }
  }

  @Nested
  class ZeroRows extends ZeroRowsContract {
    ZeroRows() {
      super(new VectorBackend());
    }
  }

  @Nested
  class Allocations extends AllocationContract {
    Allocations() {
      super(new VectorBackend());
    }
  }

  @Nested
  class Int8Products extends Int8Contract {
    Int8Products() {
      super(new VectorBackend());
    }
  }

  @Nested
  class Int8Plans extends Int8PlanContract {
    Int8Plans() {
      super(new VectorBackend());
    }
  }

  @Nested
  class Limits extends LimitsContract {
    Limits() {
      super(new VectorBackend());
    }
  }

  @Nested
  class Int8Scales extends Int8ScalesContract {
    Int8Scales() {
      super(new VectorBackend());
    }
  }

  @Nested
  class SeveralThreads extends ThreadsContract {
    SeveralThreads() {
      super(new VectorBackend());
    }
  }
}
