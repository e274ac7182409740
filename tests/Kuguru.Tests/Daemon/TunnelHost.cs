using Kuguru.Crypto;
using Kuguru.Daemon;
using Kuguru.Esp;
using Kuguru.Linux;
using Kuguru.Tests.Linux;

namespace Kuguru.Tests.Daemon;

/// <summary>A host with a TUN device, sockets and running packet workers: what the daemon has, without IKE.</summary>
sealed class TunnelHost : IDisposable
{
    readonly Routes _routes;
    readonly NetworkNamespace _inside;

    public TunnelHost(NetworkNamespace inside, IpAddress inner, ushort port = 500, ushort natPort = 4500)
    {
        _inside = inside;
        Inner = inner;
        (Tun, Sockets, _routes) = inside.Run(() =>
        {
            var tun = TunDevice.Open(new() { Name = "ipsec0" });
            using (var netlink = Netlink.Open())
                netlink.SetUp(tun.Index);
            return (tun, Sockets.Open(port, natPort, RoutesOptions.DefaultMark), new Routes(tun, new()));
        });
        _routes.AddAddress(1, inner);
        Workers = new(new()
        {
            Tun = Tun,
            Sockets = Sockets,
            Table = Table,
            Ike = (in Path path, ReadOnlySpan<byte> datagram) =>
            {
                lock (Ike)
                    Ike.Add((path, Blob.Copy(datagram)));
                return TakesIke;
            },
            Wake = Woken.Set,
            Failed = Failures.Add,
        });
        Workers.Start();
    }

    public IpAddress Inner { get; }
    public TunDevice Tun { get; }
    public Sockets Sockets { get; }
    public SaTable Table { get; } = new(SystemDice.Instance);
    public PacketWorkers Workers { get; }
    public WakeUp Woken { get; } = new();
    public bool TakesIke { get; set; } = true;
    public List<(Path Path, Blob Datagram)> Ike { get; } = [];
    public List<Exception> Failures { get; } = [];

    /// <summary>One half of a tunnel; the peer's half has the SPIs, keys and selectors turned round.</summary>
    public void Install(SaDescription sa)
    {
        Table.Install(sa);
        _routes.Add(RouteOwner.Sa(sa.InboundSpi), sa.Local, sa.Remote, sa.Path.Local.Address, Table.RouteOf(sa.InboundSpi)!.InnerMtu);
    }

    public T Run<T>(Func<T> inside) => _inside.Run(inside);
    public void Run(Action inside) => _inside.Run(inside);

    public void Dispose()
    {
        Workers.Dispose();
        Table.Dispose();
        _routes.Dispose();
        Sockets.Dispose();
        Tun.Dispose();
        Woken.Dispose();
    }

    /// <summary>An SA pair between the hosts A and B of <see cref="TwoHosts"/>, from one address inside to another.</summary>
    public static void Connect(TunnelHost a, TunnelHost b, bool outerIsV6, bool udp)
    {
        var suite = new EspSuite(new Encryption(EncryptionAlgorithm.AesGcm16, 128), IntegrityAlgorithm.None, ExtendedSequenceNumbers.No);
        using var keys1 = Kuguru.Tests.Crypto.Given.Keys(suite, SystemDice.Instance);
        using var keys2 = Kuguru.Tests.Crypto.Given.Keys(suite, SystemDice.Instance);
        var path = new Path(
            new(TwoHosts.AddressOfA(outerIsV6), a.Sockets.NatPort), new(TwoHosts.AddressOfB(outerIsV6), b.Sockets.NatPort));
        var ours = new SaDescription
        {
            InboundSpi = new(0xa001),
            OutboundSpi = new(0xb001),
            Suite = suite,
            InboundKeys = keys1,
            OutboundKeys = keys2,
            Local = [new(AddressRange.Single(a.Inner))],
            Remote = [new(AddressRange.Single(b.Inner))],
            Path = path,
            UdpEncapsulated = udp,
            ReqId = 1,
            Usage = new(),
        };
        a.Install(ours);
        b.Install(ours with
        {
            InboundSpi = ours.OutboundSpi,
            OutboundSpi = ours.InboundSpi,
            InboundKeys = keys2,
            OutboundKeys = keys1,
            Local = ours.Remote,
            Remote = ours.Local,
            Path = new(path.Remote, path.Local),
            Usage = new(),
        });
    }
}
