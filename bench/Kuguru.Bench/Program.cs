using BenchmarkDotNet.Running;
using Kuguru.Bench;

BenchmarkSwitcher.FromAssembly(typeof(EspTransformBenchmarks).Assembly).Run(args);
