using Kuguru.Linux;

namespace Kuguru.Tests.Linux;

/// <summary>A namespace whose only way out is a TUN device.</summary>
sealed class TunHost : IDisposable
{
    public TunHost(string address, string peer)
    {
        Inside = NetworkNamespace.Create();
        Device = Inside.Run(() =>
        {
            var device = TunDevice.Open(new() { Name = "ipsec0" });
            using var netlink = Netlink.Open();
            netlink.AddAddress(device.Index, Prefix.Parse(address));
            netlink.SetUp(device.Index);
            netlink.AddRoute(new(Prefix.Parse(peer)) { Link = device.Index });
            return device;
        });
    }

    public NetworkNamespace Inside { get; }
    public TunDevice Device { get; }

    public void Dispose()
    {
        Device.Dispose();
        Inside.Dispose();
    }
}

/// <summary>Carries packets between two devices as they are, header and all, on a thread of its own.</summary>
sealed class TunWire : IDisposable
{
    readonly TunDevice _a, _b;
    readonly WakeUp _stop;
    readonly Thread _thread;

    public TunWire(TunDevice a, TunDevice b, WakeUp stop)
    {
        (_a, _b, _stop) = (a, b, stop);
        _thread = new(Carry);
        _thread.Start();
    }

    public int Largest { get; private set; }

    void Carry()
    {
        using var poller = new Poller();
        var stop = poller.Watch(_stop.Number);
        poller.Watch(_a.Number);
        poller.Watch(_b.Number);
        var buffer = new byte[TunDevice.HeaderLength + TunDevice.MaxPacket];
        while (poller.Wait(null) && poller[stop] == PollEvents.None)
        {
            Drain(_a, _b);
            Drain(_b, _a);
        }

        void Drain(TunDevice from, TunDevice to)
        {
            int length;
            while ((length = from.Read(buffer)) > 0)
            {
                Largest = Math.Max(Largest, length);
                to.Write(buffer.AsSpan(0, length));
            }
        }
    }

    public void Dispose()
    {
        _stop.Set();
        _thread.Join();
    }
}
