using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

// What IKE_AUTH has to do for postquantum pre-shared keys; what becomes of one is judged in Ppk.cs.
static partial class IkeAuth
{
    /// <summary>An initiator's proof, and what goes with it in its first round: with the PPK, and if it need not be used the same without.</summary>
    static Proof ProveWithPpk(Turn t, Authentication a, Func<Proof> prove, out List<Payload> more)
    {
        more = [];
        var connection = a.Connection;
        if (a.Proved > 0)
            return prove();
        var ppk = connection.PpkId is { } id ? Ppk.Find(t.Node, id) : null;
        var use = Ppk.Choose(connection, a.Init.UsesPpk, ppk is not null);
        if (use != PpkUse.With)
        {
            ppk?.Dispose();
            if (use == PpkUse.Without && connection.PpkId is not null)
                t.Note(Severity.Warning, Subject.Ike, $"no PPK for '{connection.PpkId}' {(a.Init.UsesPpk ? "found" : "at the peer")}, ignored because PPK is not required");
            return Ppk.WhyNot(use, connection, connection.PpkId) is { } failure ? Proof.None(failure) : prove();
        }
        var without = connection.PpkRequired ? default : prove();
        if (without.Failure is not null)
            return without;
        a.Ppk = ppk;
        var with = prove();
        more.Add(Ppk.Name(connection.PpkId!));
        if (without.Auth is { } auth)
            more.Add(new Payload.Notify(NotifyType.NoPpkAuth, auth.Data));
        return with;
    }

    /// <summary>A responder's answer has come: does it use our PPK?</summary>
    static Failure? HearPpk(Turn t, Authentication a, IkeMessage response)
    {
        if (a.Ppk is null || response.Has(NotifyType.PpkIdentity))
            return null;
        var connection = a.Connection;
        a.DropPpk();
        if (connection.PpkRequired)
            return Ppk.WhyNot(PpkUse.NotSupported, connection, null);
        t.Note(Severity.Warning, Subject.Ike, $"peer didn't use PPK for PPK_ID '{connection.PpkId}'");
        return null;
    }

    /// <summary>
    /// What a responder makes of the PPK_ID that comes with the first proof: <see cref="Authentication.Ppk"/> is then what AUTH is made with, and
    /// the AUTH data that count are those of AUTH or of NO_PPK_AUTH.
    /// </summary>
    static (Blob Auth, Failure? Failure) TakePpk(Turn t, Authentication a, Connection connection, IkeMessage request, Payload.Auth auth)
    {
        if (a.Believed > 0)
            return (auth.Data, null);
        a.DropPpk();
        var named = Ppk.Named(request);
        var ppk = named is null ? null : Ppk.Find(t.Node, named);
        var without = request.Find(NotifyType.NoPpkAuth);
        var use = Ppk.Judge(connection, a.Init.UsesPpk, named, ppk is not null, without is not null);
        if (use == PpkUse.With)
            (a.Ppk, a.PpkId) = (ppk, named);
        else
            ppk?.Dispose();
        if (use == PpkUse.Fallback)
            t.Note(Severity.Warning, Subject.Ike, $"no PPK for '{named}' found, ignored because PPK is not required: using NO_PPK_AUTH");
        return (use == PpkUse.Fallback ? without!.Data : auth.Data, Ppk.WhyNot(use, connection, named));
    }

    /// <summary>Both proofs of the first round are through: from here on the PPK is in the keys.</summary>
    static bool SettlePpk(Turn t, Authentication a)
    {
        if (a.Ppk is null)
            return false;
        a.MixPpk();
        t.Note(Severity.Info, Subject.Ike, $"using PPK for PPK_ID '{a.PpkId ?? a.Connection.PpkId}'");
        return true;
    }
}
