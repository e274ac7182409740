using BenchmarkDotNet.Attributes;
using Kuguru.Crypto;
using Kuguru.Esp;

namespace Kuguru.Bench;

/// <summary>
/// The packet path in memory, one thread, no system calls: a TCP super-packet of 46 segments of 1398 octets from "read from TUN" to ESP
/// packets, and back to what is written to TUN. Times are for the whole super-packet.
/// </summary>
[MemoryDiagnoser]
[ShortRunJob]
public unsafe class PacketPathBenchmarks : ITunSink, IDatagramSink
{
    const int SegmentSize = 1398, Segments = 46;

    static readonly Path _path = new(new(IpAddress.Parse("192.0.2.1"), 4500), new(IpAddress.Parse("198.51.100.2"), 4500));

    readonly byte[] _sealed = GC.AllocateArray<byte>(1 << 17, pinned: true);
    readonly byte[] _superPacket = new byte[VirtioNetHeader.Size + 40 + SegmentSize * Segments];
    SaTable _table = null!;
    Outbound _outbound = null!;
    Inbound _inbound = null!;
    byte[] _burst = [];
    int _used, _espLength;

    /// <summary>Suites by strongSwan's proposal keywords.</summary>
    [Params("aes128gcm16", "aes256gcm16", "chacha20poly1305", "aes128-sha256", "null-sha256")]
    public string Suite { get; set; } = "";

    [GlobalSetup]
    public void SetUp()
    {
        var suite = Suite switch
        {
            "aes128gcm16" => Combined(EncryptionAlgorithm.AesGcm16, 128),
            "aes256gcm16" => Combined(EncryptionAlgorithm.AesGcm16, 256),
            "chacha20poly1305" => Combined(EncryptionAlgorithm.ChaCha20Poly1305, 0),
            "aes128-sha256" => WithHmac(EncryptionAlgorithm.AesCbc, 128),
            "null-sha256" => WithHmac(EncryptionAlgorithm.Null, 0),
            _ => throw new ArgumentException($"no such suite: {Suite}"),
        };
        var dice = new FixedDice();
        _table = new(dice);
        // Both ends in one table: what goes out by this SA comes in by it.
        using var keys = new EspKeys(Secret.Random(suite.EncryptionKeyLength, dice), Secret.Random(suite.IntegrityKeyLength, dice));
        Selector[] selectors = [new(AddressRange.Prefix(IpAddress.Parse("10.0.0.0"), 8))];
        _table.Install(new()
        {
            InboundSpi = new(0x1000),
            OutboundSpi = new(0x1000),
            Suite = suite,
            InboundKeys = keys,
            OutboundKeys = keys,
            // The same burst is opened again and again.
            ReplayWindow = 0,
            Local = [.. selectors],
            Remote = [.. selectors],
            Path = _path,
            UdpEncapsulated = true,
            OuterMtu = 1600,
            ReqId = 1,
            Usage = new(),
        });
        _outbound = new(_table, this, this);
        _inbound = new(_table, this, Coalescing.TcpAndUdp);
        WriteSuperPacket();
        Seal();
        _burst = _sealed[.._used];
    }

    /// <summary>Segment, checksum, seal.</summary>
    [Benchmark]
    public void Seal()
    {
        _used = 0;
        _superPacket.CopyTo(_outbound.Buffer);
        _outbound.Add(_superPacket.Length, new(1));
    }

    /// <summary>Open, check, coalesce.</summary>
    [Benchmark]
    public void Open()
    {
        _inbound.Add(_burst, _espLength, new Arrival(_path, true, 0, new(1)));
        _inbound.Flush();
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _outbound.Dispose();
        _inbound.Dispose();
        _table.Dispose();
    }

    public Span<byte> Room(Route route, int length) => _sealed.AsSpan(_used, _espLength = length);
    public void Append(Route route, int length, byte tos) => _used += length;
    public void Write(ReadOnlySpan<Piece> packet) { }

    static EspSuite Combined(EncryptionAlgorithm encryption, int bits) =>
        new(new(encryption, bits), IntegrityAlgorithm.None, ExtendedSequenceNumbers.Yes);

    static EspSuite WithHmac(EncryptionAlgorithm encryption, int bits) =>
        new(new(encryption, bits), IntegrityAlgorithm.HmacSha2_256_128, ExtendedSequenceNumbers.Yes);

    void WriteSuperPacket()
    {
        var ip = _superPacket.AsSpan(VirtioNetHeader.Size);
        Wire.Ipv4.Write(ip, IpAddress.Parse("10.0.0.1"), IpAddress.Parse("10.0.0.2"), Wire.IpProtocol.Tcp, ip.Length);
        (ip[20 + 12], ip[20 + 13]) = (0x50, 0x10);
        new Random(1).NextBytes(ip[40..]);
        System.Runtime.InteropServices.MemoryMarshal.Write(_superPacket, new VirtioNetHeader
        {
            Flags = VirtioNetHeader.NeedsChecksum,
            GsoBits = (byte)GsoType.TcpV4,
            HeaderLength = 40,
            SegmentSize = SegmentSize,
            ChecksumStart = 20,
            ChecksumOffset = 16,
        });
    }

    sealed class FixedDice : Dice
    {
        readonly Random _random = new(1);
        public override void Fill(Span<byte> bytes) => _random.NextBytes(bytes);
    }
}
