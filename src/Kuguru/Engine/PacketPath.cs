using Kuguru.Esp;
using Kuguru.Ike;

namespace Kuguru.Engine;

/// <summary>Where control and packets meet: effects of IKE SAs become changes of the packet path, its reports become orders (docs/design.md).</summary>
public static class PacketPath
{
    /// <summary>Obeys an effect that is the packet path's matter; false for any other. The keys of an installed SA are zeroed here.</summary>
    public static bool Obey(this SaTable table, Effect effect, int outerMtu)
    {
        switch (effect)
        {
            case Effect.InstallSa install:
                using (install.Sa.InboundKeys)
                using (install.Sa.OutboundKeys)
                    table.Install(Describe(install.Sa, outerMtu), install.InboundOnly);
                return true;
            case Effect.UseSa use:
                table.Use(use.InboundSpi);
                return true;
            case Effect.MoveSa move:
                table.Move(move.InboundSpi, move.Path, move.UdpEncapsulated);
                if (move.Selectors is { } selectors)
                    table.Reselect(move.InboundSpi, selectors.Local, selectors.Remote);
                return true;
            case Effect.ReceiveOnly old:
                table.ReceiveOnly(old.InboundSpi);
                return true;
            case Effect.RemoveSa remove:
                table.Remove(remove.InboundSpi);
                return true;
            case Effect.InstallTrap trap:
                Install(table, trap);
                return true;
            case Effect.RemoveTrap trap:
                table.RemoveTrap(trap.ReqId);
                return true;
            default:
                return false;
        }
    }

    /// <summary>What the node is to be told of a report.</summary>
    public static Order ToOrder(this EspReport report) => report switch
    {
        EspReport.FirstInbound first => new Order.EspUsed(first.InboundSpi),
        EspReport.Moved moved => new Order.EspMoved(moved.InboundSpi, moved.From),
        EspReport.Acquire acquire => new Order.Acquire(acquire.ReqId),
        EspReport.UnknownSpi unknown => new Order.EspUnknown(unknown.Spi, unknown.From, unknown.UdpEncapsulated, unknown.Octets),
        EspReport.Wearing wearing => new Order.EspWorn(wearing.InboundSpi),
        EspReport.Exhausted exhausted => new Order.EspWorn(exhausted.InboundSpi),
        _ => throw new ArgumentOutOfRangeException(nameof(report), report, "a report without an order"),
    };

    /// <summary>What passes in the clear never comes here: the host's routes see to that.</summary>
    static void Install(SaTable table, Effect.InstallTrap trap)
    {
        var description = new TrapDescription(trap.ReqId, trap.Local, trap.Remote);
        switch (trap.Child.Mode)
        {
            case ChildMode.Tunnel or ChildMode.Transport:
                table.InstallTrap(description);
                break;
            case ChildMode.Drop:
                table.InstallDrop(description);
                break;
            case ChildMode.Pass:
                break;
        }
    }

    static SaDescription Describe(ChildSa sa, int outerMtu) => new()
    {
        InboundSpi = sa.InboundSpi,
        OutboundSpi = sa.OutboundSpi,
        Suite = sa.Suite,
        InboundKeys = sa.InboundKeys,
        OutboundKeys = sa.OutboundKeys,
        ReplayWindow = sa.Config.ReplayWindow,
        Local = sa.LocalSelectors,
        Remote = sa.RemoteSelectors,
        Transport = sa.Transport,
        StandIns = sa.StandIns,
        Path = sa.Path,
        UdpEncapsulated = sa.UdpEncapsulated,
        OuterMtu = outerMtu,
        ReqId = sa.ReqId,
        Usage = sa.Usage,
    };
}
