using System.Collections.Immutable;

namespace Kuguru.Ike;

/// <summary>The addresses that "dynamic" stands for at each end: virtual ones, else those of the path.</summary>
readonly record struct Ends(ImmutableArray<IpAddress> Local, ImmutableArray<IpAddress> Remote);

/// <summary>A child and the most that we agree to of it: what its configuration says, or what it already has when it is rekeyed.</summary>
readonly record struct Scope(ChildConfig Config, ImmutableArray<Selector> Local, ImmutableArray<Selector> Remote)
{
    public static Scope Of(ChildConfig config, Ends ends) =>
        new(config, Narrowing.Resolve(config.LocalSelectors, ends.Local), Narrowing.Resolve(config.RemoteSelectors, ends.Remote));

    /// <summary>The selectors stay when keys change, even if an address behind "dynamic" is another by now.</summary>
    public static Scope Of(ChildSa sa) => new(sa.Config, sa.LocalSelectors, sa.RemoteSelectors);
}
