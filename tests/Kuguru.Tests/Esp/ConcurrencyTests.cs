using Kuguru.Esp;
using Xunit;

namespace Kuguru.Tests.Esp;

/// <summary>Workers carry packets while the control loop changes the table under them.</summary>
public sealed class ConcurrencyTests
{
    [Fact]
    public void Rekeying_under_traffic_loses_nothing_and_crashes_nobody()
    {
        const int generations = 200;
        using var tunnel = Tunnel.Between();
        using var a2 = new Second(tunnel.A.Table);
        using var stop = new CancellationTokenSource();
        var packet = Packets.Udp(Packets.A4, Packets.B4, Packets.Payload(200));
        (tunnel.A.Remembers, tunnel.B.Remembers) = (false, false);
        var carried = 0;
        var failures = new List<Exception>();
        Thread[] workers =
        [
            Worker(() => tunnel.A.Send(packet)),
            Worker(() => a2.Send(packet)),
            Worker(() => tunnel.B.Send(Packets.Udp(Packets.B4, Packets.A4, [1]))),
        ];
        foreach (var worker in workers)
            worker.Start();
        for (uint i = 1; i <= generations; i++)
        {
            tunnel.A.Table.Install(Tunnel.AtA(Tunnel.Gcm128, i), inboundOnly: true);
            tunnel.B.Table.Install(Tunnel.AtB(Tunnel.Gcm128, i));
            tunnel.A.Table.Use(new(Tunnel.SpiOfA.Value + i));
            tunnel.A.Table.Move(new(Tunnel.SpiOfA.Value + i), Tunnel.PathToB, udpEncapsulated: i % 2 == 0);
            // Traffic goes on between the changes.
            var seen = Volatile.Read(ref carried);
            SpinWait.SpinUntil(() => Volatile.Read(ref carried) > seen + 3, TimeSpan.FromSeconds(10));
            tunnel.A.Table.Remove(new(Tunnel.SpiOfA.Value + i - 1));
            tunnel.B.Table.Remove(new(Tunnel.SpiOfB.Value + i - 1));
        }
        stop.Cancel();
        foreach (var worker in workers)
            worker.Join();
        Assert.Empty(failures);
        Assert.True(carried > generations);
        Assert.Equal(0, tunnel.A.Outbound.Drops[Drop.NoPolicy] + a2.Outbound.Drops[Drop.NoPolicy] + tunnel.B.Outbound.Drops[Drop.NoPolicy]);
        Assert.Equal(1, tunnel.A.Table.Count);

        Thread Worker(Action carry) => new(() =>
        {
            try
            {
                while (!stop.IsCancellationRequested)
                {
                    carry();
                    Interlocked.Increment(ref carried);
                }
            }
            catch (Exception e)
            {
                lock (failures)
                    failures.Add(e);
            }
        });
    }

    [Fact]
    public void Two_workers_on_one_sa_never_use_a_sequence_number_twice()
    {
        const int each = 20_000;
        using var tunnel = Tunnel.Between();
        using var second = new Second(tunnel.A.Table);
        var packet = Packets.Udp(Packets.A4, Packets.B4, Packets.Payload(20));
        HashSet<uint> numbers = [];
        void Note(ReadOnlySpan<byte> esp)
        {
            Kuguru.Wire.EspHeader.TryRead(esp, out var header);
            lock (numbers)
                Assert.True(numbers.Add(header.Sequence));
        }
        tunnel.A.Forward = sent => Note(sent.Bytes);
        second.Seen = Note;
        Thread[] workers = [new(() => Repeat(() => tunnel.A.Send(packet))), new(() => Repeat(() => second.Send(packet)))];
        foreach (var worker in workers)
            worker.Start();
        foreach (var worker in workers)
            worker.Join();
        Assert.Equal(2 * each, numbers.Count);
        Assert.Equal((1u, 2u * each), (numbers.Min(), numbers.Max()));

        static void Repeat(Action action)
        {
            for (var i = 0; i < each; i++)
                action();
        }
    }

    [Fact]
    public void Of_retirer_and_last_user_exactly_one_disposes()
    {
        for (var round = 0; round < 300; round++)
        {
            var claim = new Shared();
            var (disposals, entered) = (0, 0);
            Thread[] threads =
            [
                new(() =>
                {
                    while (claim.Claim.TryEnter())
                    {
                        Interlocked.Increment(ref entered);
                        if (claim.Claim.Leave())
                            Interlocked.Increment(ref disposals);
                    }
                }),
                new(() =>
                {
                    SpinWait.SpinUntil(() => Volatile.Read(ref entered) > 0);
                    if (claim.Claim.Retire())
                        Interlocked.Increment(ref disposals);
                }),
            ];
            foreach (var thread in threads)
                thread.Start();
            foreach (var thread in threads)
                thread.Join();
            Assert.Equal(1, disposals);
        }
    }

    sealed class Shared
    {
        public Claim Claim;
    }

    delegate void Look(ReadOnlySpan<byte> esp);

    /// <summary>Another outbound worker on the same table.</summary>
    sealed class Second : IDatagramSink, ITunSink, IDisposable
    {
        readonly byte[] _room = new byte[2000];

        public Second(SaTable table) => Outbound = new(table, this, this);

        public Outbound Outbound { get; }
        public Look? Seen { get; set; }

        public void Send(ReadOnlySpan<byte> packet)
        {
            Outbound.Buffer[..VirtioNetHeader.Size].Clear();
            packet.CopyTo(Outbound.Buffer[VirtioNetHeader.Size..]);
            Outbound.Add(VirtioNetHeader.Size + packet.Length, new(1));
        }

        public Span<byte> Room(Route route, int length) => _room.AsSpan(0, length);
        public void Append(Route route, int length, byte tos) => Seen?.Invoke(_room.AsSpan(0, length));
        public void Write(ReadOnlySpan<Piece> packet) { }
        public void Dispose() => Outbound.Dispose();
    }
}
