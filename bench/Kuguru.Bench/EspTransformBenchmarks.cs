using BenchmarkDotNet.Attributes;
using Kuguru.Crypto;

namespace Kuguru.Bench;

/// <summary>What one ESP packet costs to seal and to open, without a packet path around it.</summary>
[MemoryDiagnoser]
public class EspTransformBenchmarks
{
    EspSealer _sealer = null!;
    EspOpener _opener = null!;
    ulong _sequence;
    byte[] _plaintext = [], _packet = [], _room = [];

    [Params("aes128gcm16", "aes256gcm16", "chacha20poly1305", "aes128-sha256", "aes128ctr-sha256")]
    public string Suite { get; set; } = "";

    [Params(64, 512, 1408, 9008)]
    public int Length { get; set; }

    [GlobalSetup]
    public void Prepare()
    {
        if (!AlgorithmSet.TryParse(Suite, ProposalKind.Esp, out var sets, out var error))
            throw new InvalidOperationException(error);
        var suite = new EspSuite(sets[0].Encryption[0], sets[0].Integrity.FirstOrDefault(), ExtendedSequenceNumbers.Yes);
        var keys = new EspKeys(Secret.Copy(new byte[suite.EncryptionKeyLength]), Secret.Copy(new byte[suite.IntegrityKeyLength]));
        _sealer = EspSealer.Create(suite, keys, new NoDice());
        _opener = EspOpener.Create(suite, keys);
        (_plaintext, _packet, _room) = (new byte[Length], new byte[Length + suite.Overhead], new byte[Length]);
        Seal();
    }

    [Benchmark]
    public int Seal() => _sealer.Seal(1, ++_sequence, _plaintext, _packet);

    [Benchmark]
    public int Open() => _opener.Open(_packet, _sequence, _room);

    sealed class NoDice : Dice
    {
        public override void Fill(Span<byte> bytes) => bytes.Clear();
    }
}
